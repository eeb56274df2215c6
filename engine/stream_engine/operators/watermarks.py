"""The passage of event time through a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stream_engine.graph.job_graph import Task

# The watermark behind which nothing comes.
MAX_WATERMARK = 2**63 - 1


class TimeOperator(Protocol):
    """An operator, as far as time is concerned."""

    makes_time: bool
    """Whether it makes watermarks itself, so that others end here."""

    def on_watermark(self, time: int) -> None:
        """No record with a timestamp of ``time`` (ms) or earlier is to be expected any more."""
        ...


class TimeOutput(Protocol):
    """Where watermarks leave the chain behind ``operator``."""

    operator: int

    def watermark(self, time: int) -> None:
        """Tells all receivers that no record with a timestamp of ``time`` (ms) or earlier will be sent."""
        ...

    def idle(self) -> None:
        """Tells all receivers not to wait for this output's watermarks until there is one again."""
        ...


class Watermarks:
    """Tells operators and outputs, each after those it gets its records from, that time has come to a watermark.

    A watermark of t (ms) says that no record with a timestamp of t or earlier is to be expected any more.
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
        """``operator`` lets a watermark go on to those behind it."""
        self._emit(operator, time)
        self._pass(self._behind(operator), time)

    def idle(self, operator: int) -> None:
        """Nothing is to be expected of ``operator`` for now, so its time is not to be waited for."""
        waiting = [operator]
        while waiting:
            operator = waiting.pop()
            for output in self._outputs:
                if output.operator == operator:
                    output.idle()
            waiting.extend(self._behind(operator))

    def _pass(self, reached: list[int], time: int) -> None:
        """To the operators ``reached``, and on from each that makes no time of its own."""
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
