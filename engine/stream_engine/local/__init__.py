"""The embedded engine: runs a plan on worker processes of this machine, or in this process.

The rooms are named by process: ``coordinator`` is the script's process, then there are ``forkserver`` and ``worker``;
``inline`` needs no other process. Several rooms share the modules beside them.
"""
