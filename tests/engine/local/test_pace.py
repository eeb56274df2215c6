"""Which batches of a subtask are counted call by call."""

from __future__ import annotations

from typing import Any

import pytest

from stream_engine.operators import sampling
from stream_engine.operators.code import Count
from stream_engine.operators.sampling import Sample
from stream_engine.task.batch_size import SampledBatch


def test_few_records_are_all_counted_and_of_many_the_number_is_near_to_the_truth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampling, "_ENOUGH", 1000)
    calls = 0

    def take(_: Any) -> None:
        nonlocal calls
        calls += 1

    namespace: dict[str, Any] = {"take": take}
    count = Count()
    sample = Sample(count, namespace, take)
    sample.add_place("take")
    pace = SampledBatch([sample])

    def process(records: Any) -> None:
        for record in records:
            for _ in range(record % 4):
                namespace["take"](record)

    for start in range(0, 600, 10):
        pace.run(process, range(start, start + 10))
    assert (count.records, count.estimated) == (calls, False) == (900, False)
    for start in range(0, 100_000, 10):
        pace.run(process, range(start, start + 10))
    assert count.estimated
    assert count.records == pytest.approx(calls, rel=0.1)
    assert pace.done == 100_600


def test_a_batch_that_fails_leaves_the_function_in_its_place() -> None:
    namespace: dict[str, Any] = {"take": print}
    sample = Sample(Count(), namespace, print)
    sample.add_place("take")
    with pytest.raises(IndexError):
        SampledBatch([sample]).run(lambda records: records[1], [1])
    assert namespace["take"] is print
