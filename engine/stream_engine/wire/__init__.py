"""What processes of a job say to each other: the kinds of frames and their payloads, records as bytes, connections.

``messages`` has all that workers say to the coordinator, to each other, and are told.
"""
