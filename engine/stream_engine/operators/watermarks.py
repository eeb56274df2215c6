"""Passes event time through a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stream_engine.graph.job_graph import Task

# The last watermark: no record comes after it.
MAX_WATERMARK = 2**63 - 1


class TimeOperator(Protocol):
    """What watermarks need of an operator."""

    makes_time: bool
    """Whether it makes watermarks itself: watermarks from upstream end here."""

    def on_watermark(self, time: int) -> None:
        """No record with a timestamp of ``time`` (ms) or earlier will come any more."""
        ...


class TimeOutput(Protocol):
    """Where watermarks leave the chain after ``operator``."""

    operator: int

    def watermark(self, time: int) -> None:
        """Tells all receivers that no record with a timestamp of ``time`` (ms) or earlier will be sent."""
        ...

    def idle(self) -> None:
        """Tells all receivers not to wait for this output's watermarks until there is one again."""
        ...


class Watermarks:
    """Passes watermarks to operators and outputs, in the order in which records reach them.

    A watermark of t (ms) says that no record with a timestamp of t or earlier will come any more.
    """

    def __init__(self, task: Task, operators: Mapping[int, TimeOperator], outputs: Sequence[TimeOutput]) -> None:
        self._head = task.head.id
        self._operators = operators
        self._outputs = outputs
        self._targets: dict[int, list[int]] = {}
        for link in task.links:
            self._targets.setdefault(link.source, []).append(link.target)

    def enter(self, time: int) -> None:
        """A watermark has reached the head of the chain."""
        self._pass([self._head], time)

    def leave(self, operator: int, time: int) -> None:
        """``operator`` passes a watermark to the operators after it."""
        self._emit(operator, time)
        self._pass(self._behind(operator), time)

    def idle(self, operator: int) -> None:
        """``operator`` emits nothing for now, so nobody has to wait for its time."""
        waiting = [operator]
        while waiting:
            operator = waiting.pop()
            for output in self._outputs:
                if output.operator == operator:
                    output.idle()
            waiting.extend(self._behind(operator))

    def _pass(self, reached: list[int], time: int) -> None:
        """Passes it to the operators ``reached``, and beyond each that makes no time of its own."""
        while reached:
            operator = reached.pop()
            self._operators[operator].on_watermark(time)
            if not self._operators[operator].makes_time or time == MAX_WATERMARK:
                self._emit(operator, time)
                reached.extend(self._behind(operator))

    def _emit(self, operator: int, time: int) -> None:
        for output in self._outputs:
            if output.operator == operator:
                output.watermark(time)

    def _behind(self, operator: int) -> list[int]:
        """The operators that get the records of ``operator``, last first."""
        return self._targets.get(operator, [])[::-1]
