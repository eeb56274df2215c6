"""The streaming engine: the API a script touches, its plan, and the workers that run it."""
