"""Captures functions at the API call: checks them, takes a snapshot, pickles it."""
