"""Failures as plain data, from the place where one happens to the place where it is reported."""
