"""The factory of the running program, for older scripts, whose main() does not get one."""

from __future__ import annotations

from typing import Any

from stream_engine.api.capture.snapshot import refuse

_current: Any = None


def make_current(factory: Any) -> None:
    """Notes the newest factory."""
    global _current
    _current = factory


def current_factory() -> Any:
    """The newest factory. Raises InvalidProgramException if no program is running."""
    if _current is None:
        refuse("There is no environment here: run the script with pyflink-stream, and take it from main(factory).")
    return _current
