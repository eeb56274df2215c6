"""Where workers come from: a process that forks on request and ends with the script's; its side is ``client``."""
