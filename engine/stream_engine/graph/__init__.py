"""What a script said (StreamGraph) and what is run (JobGraph), as plain data."""
