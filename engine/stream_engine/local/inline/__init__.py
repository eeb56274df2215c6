"""The embedded engine without workers: a job runs in the script's own process and thread, where debuggers work."""
