"""Tables on disk, in RocksDB, for the state of more keys than memory holds, with those in memory that are in use.

They know keys as dicts do, by hash and equality, not by their bytes: an entry is found by the hash of its key, and has
the key in it. The database lasts as long as the process; what is to outlast it is in checkpoints.
"""
