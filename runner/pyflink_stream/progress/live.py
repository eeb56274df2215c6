"""Observers that show jobs on standard error."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyflink_stream import console
from pyflink_stream.progress.rates import LATELY, PRESENT, Rates
from pyflink_stream.progress.summary import figures, outcome
from stream_engine.report import one_line

if TYPE_CHECKING:
    from pyflink_stream.progress.layout import Painter
    from pyflink_stream.progress.terminal import Terminal
    from stream_engine.status import JobStatus

# Jobs that take less time than this (ms) show no view, which would only flicker.
_PATIENCE = 500
# Milliseconds between two lines where there is no terminal.
_INTERVAL = 10_000


class LiveView:
    """Shows a job on a terminal while it runs, and its outcome as one line."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._rates = Rates(PRESENT)
        self._long_rates = Rates(LATELY)
        self._painter: Painter | None = None

    def on_status(self, status: JobStatus) -> None:
        self._rates.add(status)
        self._long_rates.add(status)
        if status.ended:
            self._terminal.hide()
            self._terminal.end_line()
            console.plain(f"{self._coloured(status)}: {figures(status)}")
        elif status.time - status.started >= _PATIENCE:
            self._show(status)

    def _show(self, status: JobStatus) -> None:
        # Imported only now: drawing takes as long to load as many jobs take.
        from pyflink_stream.progress.layout import Painter
        from pyflink_stream.progress.view import view

        if self._painter is None:
            self._painter = Painter()
        lines = view(status, self._rates, self._long_rates, self._terminal.size)
        self._terminal.show([self._painter.paint(line) for line in lines])

    @staticmethod
    def _coloured(status: JobStatus) -> str:
        if os.environ.get("NO_COLOR"):
            return outcome(status)
        colour = {"FINISHED": 32, "CANCELED": 33}.get(status.state, 31)
        return f"\x1b[1;{colour}m{outcome(status)}\x1b[0m"


class Lines:
    """Tells the outcome of a job in one line; if ``often``, also its progress in a line now and then.

    Otherwise the line is for the log.
    """

    def __init__(self, often: bool) -> None:
        self._often = often
        self._tell = console.plain
        if not often:
            from pyflink_stream import logs

            self._tell = logs.info
        self._told_at = 0

    def on_status(self, status: JobStatus) -> None:
        age = status.time - status.started
        if status.ended:
            self._tell(f"{outcome(status)}: {figures(status)}")
        elif self._often and age // _INTERVAL > self._told_at // _INTERVAL:
            self._tell(f"{one_line(status.name)}: {figures(status)}{_progress(status)}")
        self._told_at = age


def _progress(status: JobStatus) -> str:
    """How much of the input is done, if all sources are bounded."""
    sources = [task.progress for task in status.tasks if task.task.head.is_source]
    shares = [each.done / max(1, each.total) for each in sources if each is not None]
    if not shares or len(shares) < len(sources):
        return ""
    return f", {100 * sum(shares) / len(shares):.0f}% of the input"
