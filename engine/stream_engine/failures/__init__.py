"""A failure in its parts, as plain data, from where it happened to where it is told."""
