"""The factory of the program that is running, for older scripts, whose main() is not given one."""

from __future__ import annotations

from typing import Any

from stream_engine.api.capture.snapshot import refuse

_current: Any = None


def make_current(factory: Any) -> None:
    """Notes the factory that was made last."""
    global _current
    _current = factory


def current_factory() -> Any:
    """The factory that was made last. Raises InvalidProgramException where no program is running."""
    if _current is None:
        refuse("There is no environment here: run the script with pyflink-stream, and take it from main(factory).")
    return _current
