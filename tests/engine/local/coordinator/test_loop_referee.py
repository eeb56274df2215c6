"""When a loop has ended, by what workers report of its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from stream_engine.local.coordinator.loops import LoopReferee
from stream_engine.wire.messages import Counts, Kind

if TYPE_CHECKING:
    from stream_engine.wire.connection import Connection


class Told:
    """A worker's connection that keeps what it is sent."""

    def __init__(self) -> None:
        self.kinds: list[int] = []

    def send(self, kind: int, exchange: int = 0, payload: bytes = b"") -> None:
        self.kinds.append(kind)


def referee() -> tuple[LoopReferee, list[Told]]:
    workers = [Told(), Told()]
    return LoopReferee(0, cast("list[Connection]", cast("Any", workers))), workers


def test_a_loop_ends_when_all_answer_as_they_reported() -> None:
    judge, workers = referee()
    judge.on_report(0, Counts(1, 0))
    judge.on_report(1, Counts(0, 1))
    assert workers[0].kinds == [Kind.LOOP_PROBE]
    judge.on_answer(0, Counts(1, 0))
    assert workers[0].kinds == [Kind.LOOP_PROBE]
    judge.on_answer(1, Counts(0, 1))
    assert [told.kinds for told in workers] == [[Kind.LOOP_PROBE, Kind.LOOP_END]] * 2


def test_frames_under_way_keep_it_open() -> None:
    judge, workers = referee()
    judge.on_report(0, Counts(2, 0))
    judge.on_report(1, Counts(0, 1))
    assert workers[0].kinds == []


def test_a_report_made_between_two_answers_is_not_lost() -> None:
    judge, workers = referee()
    judge.on_report(1, Counts(0, 0))
    judge.on_report(0, Counts(1, 0))
    judge.on_report(0, Counts(1, 1))
    judge.on_answer(0, Counts(1, 1))
    judge.on_report(0, Counts(1, 2))
    judge.on_answer(1, Counts(2, 1))
    # Three sent and three received, by the newest of each: worth asking again.
    assert workers[0].kinds[-1] == Kind.LOOP_PROBE
