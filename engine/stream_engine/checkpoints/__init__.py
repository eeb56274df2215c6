"""Checkpoints as they are kept: files that only their owner can touch, and what is to be made of them.

A checkpoint or savepoint is a directory with a file for each subtask that has state, and a file ``_metadata`` that is
renamed into place when all others are safely there: without it the checkpoint does not exist.
"""
