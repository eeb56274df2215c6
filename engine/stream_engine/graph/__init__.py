"""The plan as the script built it (StreamGraph) and as it is run (JobGraph), as plain data."""
