"""Runs in the script's process: checks a cluster, submits jobs, reads their reports, and brings them to an end."""
