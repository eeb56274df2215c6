"""How event time passes through a chain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from listed import ListOutput

from stream_engine.graph.job_graph import Link, Task
from stream_engine.operators.operator import Operator
from stream_engine.operators.watermarks import MAX_WATERMARK, Watermarks


class Noting(Operator):
    def __init__(self, identifier: int, notes: list[tuple[int, int]], makes_time: bool = False) -> None:
        super().__init__(identifier, str(identifier))
        self.makes_time = makes_time
        self.notes = notes

    def on_watermark(self, time: int) -> None:
        self.notes.append((self.id, time))


def passage(maker: int | None = None) -> tuple[Watermarks, list[tuple[int, int]], ListOutput]:
    """Operators 0 -> 1 -> 2 and 0 -> 3, with an output behind 2; ``maker`` makes watermarks of its own."""
    notes: list[tuple[int, int]] = []
    operators = {identifier: Noting(identifier, notes, identifier == maker) for identifier in range(4)}
    heads: Any = (SimpleNamespace(id=0, name="0"),)
    task = Task(0, heads, (Link(0, 1), Link(1, 2), Link(0, 3)), 1)
    output = ListOutput(2)
    return Watermarks(task, operators, (output,)), notes, output


def test_a_watermark_reaches_each_operator_after_those_before_it() -> None:
    watermarks, notes, output = passage()
    watermarks.enter(7)
    assert notes == [(0, 7), (1, 7), (2, 7), (3, 7)]
    assert output.times == [7]


def test_an_operator_that_makes_time_lets_only_the_last_watermark_pass() -> None:
    watermarks, notes, output = passage(maker=1)
    watermarks.enter(7)
    watermarks.enter(MAX_WATERMARK)
    assert [note for note in notes if note[0] == 2] == [(2, MAX_WATERMARK)]
    assert output.times == [MAX_WATERMARK]


def test_its_own_reach_what_is_behind_it_alone() -> None:
    watermarks, notes, output = passage(maker=1)
    watermarks.leave(1, 5)
    watermarks.idle(1)
    assert notes == [(2, 5)]
    assert output.times == [5, None]
