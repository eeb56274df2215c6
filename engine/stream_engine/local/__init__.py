"""The embedded engine: a job on worker processes of this machine."""
