"""Checkpoints on disk: files that only their owner can touch, and which state of them goes to which operator.

A checkpoint or savepoint is a directory with a file for each subtask that has state, and a file ``_metadata`` that is
renamed into place when all others are safely there: without it the checkpoint does not exist.
"""
