"""The fork server: a process that forks workers on request and ends with the script's, which uses ``client``."""
