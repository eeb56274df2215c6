"""The coordinator's side of loops: it finds out that one is empty everywhere; see ``task.loops`` for how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_engine.wire.connection import Connection
    from stream_engine.wire.messages import Counts


class LoopReferee:
    """The coordinator's side of one loop, whose tasks run on ``workers``."""

    def __init__(self, identifier: int, workers: Sequence[Connection]) -> None:
        self._id = identifier
        self._workers = workers
        self._reports: dict[int, Counts | None] = {}
        self._asked: dict[int, Counts | None] | None = None
        self._answers: dict[int, Counts | None] = {}

    def on_report(self, worker: int, counts: Counts) -> None:
        self._reports[worker] = counts
        self._ask_if_empty()

    def on_answer(self, worker: int, counts: Counts | None) -> None:
        self._answers[worker] = counts
        # Newer than all reports so far; a still newer report may come.
        self._reports[worker] = counts
        if len(self._answers) < len(self._workers):
            return
        if self._answers == self._asked:
            for connection in self._workers:
                connection.send(Kind.LOOP_END, self._id)
            return
        self._answers, self._asked = {}, None
        self._ask_if_empty()

    def _ask_if_empty(self) -> None:
        counts = [each for each in self._reports.values() if each is not None]
        if self._asked is not None or len(counts) < len(self._workers):
            return
        if sum(sent for sent, _ in counts) == sum(received for _, received in counts):
            self._asked = dict(self._reports)
            for connection in self._workers:
                connection.send(Kind.LOOP_PROBE, self._id)
