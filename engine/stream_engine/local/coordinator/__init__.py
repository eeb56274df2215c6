"""The script's process: runs one job through all its attempts, takes its checkpoints, and decides how it ends."""
