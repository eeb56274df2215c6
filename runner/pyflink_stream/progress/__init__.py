"""What is seen of a running job from the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream_engine.status import Observer


def observer(drawn: bool, often: bool) -> Observer:
    """Who tells of jobs on standard error: in a view that is ``drawn``, or in lines, of the outcome or more ``often``.

    Called before any code of the user's runs: for a view it exchanges ``sys.stdout`` and ``sys.stderr``.
    """
    from pyflink_stream.progress.live import Lines, LiveView

    if not drawn:
        return Lines(often)
    from pyflink_stream.progress.terminal import take_terminal

    return LiveView(take_terminal(often))
