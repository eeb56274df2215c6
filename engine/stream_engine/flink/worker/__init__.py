"""Runs in the Python workers of the cluster: hosts the subtasks, and does what Flink's process functions ask for."""
