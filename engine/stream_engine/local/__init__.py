"""The embedded engine: runs a plan on worker processes of this machine, or in this process.

Each room says whose process it is in: ``coordinator`` (the script's), ``forkserver``, ``worker``; ``inline`` needs no
other process. What stands beside the rooms, several of them share.
"""
