"""A record that leaves a function is the engine's: what functions do to it later changes nothing that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stream_engine.api.time import TimeCharacteristic
from stream_engine.api.watermarks import AssignerWithPunctuatedWatermarks

if TYPE_CHECKING:
    from launched import Jobs


class Counts(dict[str, int]):
    def __missing__(self, name: str) -> int:
        self[name] = 0
        return 0


widths = pytest.mark.parametrize("parallelism", [1, 2])


def reused_rows(count: int) -> Any:
    """A source that emits one dict again and again, changed each time."""

    class Rows:
        def run(self, ctx: Any) -> None:
            row: dict[str, Any] = {"seen": []}
            for number in range(count):
                row["number"] = number
                row["seen"].append(number)
                ctx.collect(row)

        def cancel(self) -> None:
            pass

    return Rows()


@widths
def test_a_reduce_may_change_and_return_its_first_argument(jobs: Jobs, parallelism: int) -> None:
    def add(total: list[int], value: list[int]) -> list[int]:
        total[1] += value[1]
        return total

    def keep(key: Any, window: Any, values: list[Any], collector: Any) -> None:
        collector.collect([value[1] for value in values])

    env = jobs.environment(parallelism)
    rows = env.from_collection([[number % 2, number] for number in range(8)])
    rolling = rows.key_by(lambda row: row[0]).reduce(add)
    rolling.key_by(lambda row: row[0]).count_window(4).apply(keep).output()
    assert jobs.lines(env) == ["[0, 2, 6, 12]", "[1, 4, 9, 16]"]


@widths
def test_a_reduce_may_change_its_second_argument(jobs: Jobs, parallelism: int) -> None:
    def swap(total: list[int], value: list[int]) -> list[int]:
        value[0] += total[0]
        return value

    env = jobs.environment(parallelism)
    values = env.from_collection([[1] for _ in range(3)])
    values.key_by(lambda row: 0).reduce(swap).output()
    values.map(lambda row: ("untouched", row[0])).output()
    assert jobs.lines(env) == ["('untouched', 1)"] * 3 + ["[1]", "[2]", "[3]"]


@widths
def test_what_consumers_of_a_reduce_change_is_not_the_state(jobs: Jobs, parallelism: int) -> None:
    def clear(row: list[int]) -> str:
        row.clear()
        return "cleared"

    env = jobs.environment(parallelism)
    rolling = env.from_collection([[1], [2], [3]]).key_by(lambda row: 0).reduce(lambda a, b: [a[0] + b[0]])
    rolling.map(clear).output()
    rolling.output()
    assert jobs.lines(env) == ["[1]", "[3]", "[6]", "cleared", "cleared", "cleared"]


@widths
def test_a_source_may_reuse_one_dict(jobs: Jobs, parallelism: int) -> None:
    def keep(key: Any, window: Any, values: list[Any], collector: Any) -> None:
        collector.collect([(value["number"], len(value["seen"])) for value in values])

    env = jobs.environment(parallelism)
    rows = env.create_python_source(reused_rows(6))
    rows.key_by(lambda row: row["number"] % 2).count_window(3).apply(keep).output("window")
    rows.rebalance().map(lambda row: (row["number"], len(row["seen"]))).output("map")
    assert jobs.lines(env) == sorted(
        ["[(0, 1), (2, 3), (4, 5)]", "[(1, 2), (3, 4), (5, 6)]", *(str((number, number + 1)) for number in range(6))]
    )


@widths
def test_a_sliding_count_window_keeps_its_records_as_they_came(jobs: Jobs, parallelism: int) -> None:
    def spoil(key: Any, window: Any, values: list[Any], collector: Any) -> None:
        collector.collect([value[0] for value in values])
        for value in values:
            value[0] = "spoilt"
        values.clear()

    env = jobs.environment(parallelism)
    env.from_collection([[number] for number in range(6)]).key_by(lambda row: 0).count_window(4, 2).apply(
        spoil
    ).output()
    assert jobs.lines(env) == ["[0, 1, 2, 3]", "[0, 1]", "[2, 3, 4, 5]"]


@widths
def test_a_sliding_time_window_keeps_its_records_as_they_came(jobs: Jobs, parallelism: int) -> None:
    """Each record is in two windows, and the function spoils whatever it gets in the first."""

    def spoil(key: Any, window: Any, values: list[Any], collector: Any) -> None:
        for value in values:
            collector.collect(str(value[0]))
            value[0] = "spoilt"

    def reduce(a: list[Any], b: list[Any]) -> list[Any]:
        a[0] += b[0]
        b[0] = "spoilt"
        return a

    env = jobs.environment(parallelism)
    rows = env.from_collection([[1] for _ in range(50)])
    keyed = rows.key_by(lambda row: 0)
    keyed.time_window(100, 50).apply(spoil).output()
    keyed.time_window(100, 50).reduce(reduce).map(lambda row: f"sum {row[0]}").output()
    lines = jobs.lines(env)
    sums = [int(line.split()[1]) for line in lines if line.startswith("sum ")]
    assert sum(sums) == 100
    assert [line for line in lines if not line.startswith("sum ")] == ["1"] * 100


@widths
def test_an_assigner_is_asked_for_watermarks_before_others_change_the_record(jobs: Jobs, parallelism: int) -> None:
    class OfTheRecord(AssignerWithPunctuatedWatermarks):
        def extractTimestamp(self, element: list[int], previous: Any) -> int:
            return element[0]

        def checkAndGetNextWatermark(self, element: list[int], timestamp: int) -> int:
            return element[0]

    def spoilt(row: list[int]) -> tuple[int, int]:
        row[0] += 1000
        return (0, row[0] - 1000)

    env = jobs.environment(parallelism)
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    rows = env.from_collection([[1], [5], [15]]).assign_timestamps_and_watermarks(OfTheRecord()).set_parallelism(1)
    sums = rows.map(spoilt).set_parallelism(1).key_by(lambda pair: pair[0]).time_window(10)
    sums.reduce(lambda a, b: (0, a[1] + b[1])).output()
    assert jobs.lines(env) == ["(0, 15)", "(0, 6)"]


@widths
@pytest.mark.parametrize("spoiler_first", [True, False])
@pytest.mark.parametrize("way", ["chained", "rebalanced", "keyed"])
def test_consumers_of_one_stream_do_not_see_what_the_other_does(
    jobs: Jobs, parallelism: int, spoiler_first: bool, way: str
) -> None:
    def spoil(row: dict[str, Any]) -> str:
        row["deep"].append("spoilt")
        row.clear()
        return "done"

    def consume(stream: Any, spoils: bool) -> None:
        if way == "rebalanced":
            stream = stream.rebalance()
        if way == "keyed" and not spoils:
            stream.key_by(lambda row: 0).reduce(lambda a, b: b).output()
        else:
            stream.map(spoil if spoils else (lambda row: row)).output()

    env = jobs.environment(parallelism)
    rows = env.from_elements(*({"deep": [number]} for number in range(4)))
    consume(rows, spoiler_first)
    consume(rows, not spoiler_first)
    assert jobs.lines(env) == ["done"] * 4 + [str({"deep": [number]}) for number in range(4)]


@widths
def test_object_reuse_gives_the_same_for_functions_that_change_nothing(jobs: Jobs, parallelism: int) -> None:
    env = jobs.environment(parallelism, pipeline__object_reuse=True)
    rows = env.from_collection([[number % 2, number] for number in range(6)])
    rows.key_by(lambda row: row[0]).reduce(lambda a, b: [a[0], a[1] + b[1]]).output()
    rows.map(lambda row: row[1]).output()
    assert jobs.lines(env) == sorted(["[0, 0]", "[0, 2]", "[0, 6]", "[1, 1]", "[1, 4]", "[1, 9]", *map(str, range(6))])


def test_object_reuse_makes_no_copies(jobs: Jobs) -> None:
    env = jobs.environment(1, pipeline__object_reuse=True)
    rows = env.from_elements([])
    rows.map(lambda row: row.append("changed")).output()
    rows.output()
    assert jobs.lines(env) == ["None", "['changed']"]


@widths
def test_an_object_that_a_collection_has_twice_is_two_records(jobs: Jobs, parallelism: int) -> None:
    row = ["row"]
    env = jobs.environment(parallelism)
    env.from_collection([row] * 3).map(lambda row: row.append("changed") or len(row)).output()
    assert jobs.lines(env) == ["2", "2", "2"]


@widths
def test_a_generator_may_reuse_one_list(jobs: Jobs, parallelism: int) -> None:
    def rows() -> Any:
        row: list[int] = []
        for number in range(3):
            row.append(number)
            yield row

    env = jobs.environment(parallelism)
    env.from_collection(rows()).map(len).output()
    assert jobs.lines(env) == ["1", "2", "3"]


@widths
def test_a_dict_that_makes_entries_when_it_is_asked_is_two_records_for_two_consumers(
    jobs: Jobs, parallelism: int
) -> None:
    env = jobs.environment(parallelism)
    counts = env.from_elements(Counts(a=1))
    counts.map(lambda count: count["b"]).output()
    counts.map(lambda count: dict(count)).output()
    assert jobs.lines(env) == ["0", "{'a': 1}"]
