"""The embedded engine without its workers: a job in the script's own process and thread, where debuggers work."""
