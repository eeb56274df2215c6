"""Shows running jobs on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream_engine.status import Observer


def observer(drawn: bool, often: bool) -> Observer:
    """The observer that shows jobs on standard error: ``drawn`` as a view, or as lines, at the end or more ``often``.

    Called before any code of the user runs: for a view it replaces ``sys.stdout`` and ``sys.stderr``.
    """
    from pyflink_stream.progress.live import Lines, LiveView

    if not drawn:
        return Lines(often)
    from pyflink_stream.progress.terminal import take_terminal

    return LiveView(take_terminal(often))
