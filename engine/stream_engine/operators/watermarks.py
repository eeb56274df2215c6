"""The passage of event time through a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stream_engine.graph.job_graph import Task
    from stream_engine.operators.chain import Output
    from stream_engine.operators.operator import Operator

# The watermark behind which nothing comes.
MAX_WATERMARK = 2**63 - 1


class Watermarks:
    """Tells operators and outputs, each after those it gets its records from, that time has come to a watermark.

    A watermark of t (ms) says that no record with a timestamp of t or earlier is to be expected any more.
    """

    def __init__(self, task: Task, operators: Mapping[int, Operator], outputs: Sequence[Output]) -> None:
        self._task = task
        self._operators = operators
        self._outputs = outputs

    def enter(self, time: int) -> None:
        """A watermark has reached the head of the chain."""
        self._reach(self._task.head.id, time)

    def leave(self, operator: int, time: int) -> None:
        """``operator`` lets a watermark go on to those behind it."""
        for target in self._targets(operator):
            self._reach(target, time)
        for output in self._outputs:
            if output.operator == operator:
                output.watermark(time)

    def idle(self, operator: int) -> None:
        """Nothing is to be expected of ``operator`` for now, so its time is not to be waited for."""
        for target in self._targets(operator):
            self.idle(target)
        for output in self._outputs:
            if output.operator == operator:
                output.idle()

    def _reach(self, operator: int, time: int) -> None:
        self._operators[operator].on_watermark(time)
        if not self._operators[operator].makes_time or time == MAX_WATERMARK:
            self.leave(operator, time)

    def _targets(self, operator: int) -> list[int]:
        return [link.target for link in self._task.links if link.source == operator]
