"""What is seen of a running job from the terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream_engine.status import Observer

WISHES = ("auto", "always", "never")


def observers(wish: str, verbose: bool = False) -> list[Observer]:
    """Who is to tell of jobs on standard error, as ``--progress`` says; ``verbose`` asks for their outcome at least.

    Called before any code of the user's runs: it may exchange ``sys.stdout`` and ``sys.stderr``.
    """
    if wish != "never" and sys.stderr is not None and _can_be_drawn_on():
        from pyflink_stream.progress.live import LiveView
        from pyflink_stream.progress.terminal import take_terminal

        return [LiveView(take_terminal())]
    if wish == "always" or verbose:
        from pyflink_stream.progress.live import Lines

        return [Lines(often=wish == "always")]
    return []


def _can_be_drawn_on() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
