"""How often a function is called, when not all calls are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.operators import sampling
from stream_engine.operators.code import Count
from stream_engine.operators.sampling import Sample

if TYPE_CHECKING:
    import pytest


class Places:
    """Generated code that calls a function under two names."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.take = self.seen.append
        self.namespace: dict[str, Any] = {"one": self.take, "other": self.take}
        self.count = Count()
        self.sample = Sample(self.count, self.namespace, self.take)
        self.sample.add_place("one")
        self.sample.add_place("other")

    def batch(self, records: int, calls: int, counted: bool = True) -> None:
        if counted:
            self.sample.begin()
        for number in range(calls):
            self.namespace["other" if number % 2 else "one"](number)
        if counted:
            self.sample.end(records)
        else:
            self.sample.estimate(records)


def test_calls_of_batches_that_are_counted_are_counted_wherever_they_are_made() -> None:
    places = Places()
    places.batch(10, 25)
    places.batch(10, 0)
    assert (places.count.records, places.count.estimated) == (25, False)
    assert len(places.seen) == 25


def test_in_other_batches_the_code_calls_the_function_itself() -> None:
    places = Places()
    places.batch(4, 2)
    assert places.namespace == {"one": places.take, "other": places.take}


def test_a_batch_that_is_not_counted_is_taken_to_be_like_the_last_ones_that_were() -> None:
    places = Places()
    places.batch(100, 400)
    for _ in range(100):
        places.batch(100, 150)
    before = places.count.records
    for _ in range(3):
        places.batch(7, 11, counted=False)
    assert (places.count.records - before, places.count.estimated) == (3 * 7 * 3 // 2, True)


def test_an_estimate_is_needed_only_of_what_is_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_ENOUGH", 5)
    places = Places()
    assert places.sample.needed
    places.batch(1, 5)
    assert not places.sample.needed
