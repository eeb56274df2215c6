"""What processes of a job say to each other: the kinds of frames and their payloads, records as bytes, connections.

``messages`` lists what workers say to the coordinator and to each other, and what the coordinator says to them.
"""
