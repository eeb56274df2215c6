"""What each transformation does to records, on one worker and on several."""

from __future__ import annotations

import ast
import enum
from typing import TYPE_CHECKING, Any

import numpy
import pytest

from stream_engine.api.files import WriteMode
from stream_engine.api.functions import OutputSelector, RichFunction, RichMapFunction
from stream_engine.api.state import ValueStateDescriptor
from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from pathlib import Path

    from here import Here
    from launched import Jobs

widths = pytest.mark.parametrize("parallelism", [1, 2, 3])


def listed(key: Any, window: Any, values: list[Any], collector: Any) -> None:
    collector.collect((key, values))


def add(a: Any, b: Any) -> Any:
    return (a[0], a[1] + b[1])


def first(pair: Any) -> Any:
    return pair[0]


def pairs(count: int) -> list[tuple[str, int]]:
    return [("ab"[number % 2], number) for number in range(count)]


@widths
def test_tumbling_count_windows(jobs: Jobs, parallelism: int) -> None:
    """Every three records of a key; what is left over never fires."""
    env = jobs.environment(parallelism)
    keyed = env.from_collection(pairs(14)).key_by(first)
    keyed.count_window(3).reduce(add).output()
    keyed.count_window(3).apply(listed).map(str).output()
    values = [("a", [0, 2, 4]), ("a", [6, 8, 10]), ("b", [1, 3, 5]), ("b", [7, 9, 11])]
    reduced = [str((key, sum(numbers))) for key, numbers in values]
    applied = [str((key, [(key, number) for number in numbers])) for key, numbers in values]
    assert jobs.lines(env) == sorted(reduced + applied)


@widths
@pytest.mark.parametrize(
    ("size", "slide", "expected"),
    [
        (4, 2, [[0, 1], [0, 1, 2, 3], [2, 3, 4, 5]]),
        (2, 3, [[1, 2], [4, 5]]),
        (3, 1, [[0], [0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6]]),
    ],
)
def test_sliding_count_windows(jobs: Jobs, parallelism: int, size: int, slide: int, expected: list[list[int]]) -> None:
    """The last ``size`` records, every ``slide`` records."""
    env = jobs.environment(parallelism)
    keyed = env.from_collection([(0, number) for number in range(7)]).key_by(first)
    keyed.count_window(size, slide).reduce(add).output()
    keyed.count_window(size, slide).apply(
        lambda key, window, values, out: out.collect([value for _, value in values])
    ).output()
    assert jobs.lines(env) == sorted(map(str, [*expected, *((0, sum(values)) for values in expected)]))


@widths
@pytest.mark.parametrize(("size", "slide", "times"), [(60, 20, 3), (50, 20, 2.5), (20, 20, 1)])
def test_sliding_time_windows_hold_each_record_as_often_as_they_overlap(
    jobs: Jobs, parallelism: int, size: int, slide: int, times: float
) -> None:
    """Windows begin at multiples of the slide, and no record is in too few or too many of them."""
    env = jobs.environment(parallelism)
    keyed = env.from_collection(range(200)).map(lambda number: (number, 1)).key_by(first)
    keyed.time_window(size, slide).reduce(add).map(lambda pair: ("reduced", *pair)).output()
    keyed.time_window(size, slide).apply(
        lambda key, window, values, out: out.collect(
            ("applied", key, len(values), window.start % slide, window.end - window.start)
        )
    ).output()
    results = [ast.literal_eval(line) for line in jobs.lines(env)]
    assert {result[3:] for result in results if result[0] == "applied"} == {(0, size)}
    for way in ("reduced", "applied"):
        counts = [sum(result[2] for result in results if result[:2] == (way, number)) for number in range(200)]
        assert {int(times), -int(-times // 1)} >= set(counts)


def test_end_of_input_drops_open_windows_where_that_is_asked_for(jobs: Jobs) -> None:
    env = jobs.environment(2, pipeline__end_of_input="drop")
    keyed = env.from_collection(pairs(10)).key_by(first)
    keyed.time_window(3_600_000).reduce(add).output()
    keyed.time_window(3_600_000).apply(listed).output()
    assert jobs.lines(env) == []


@widths
def test_union_of_streams_of_any_parallelism_and_with_itself(jobs: Jobs, parallelism: int) -> None:
    env = jobs.environment(parallelism)
    one, wide = env.from_elements(1, 2), env.generate_sequence(3, 6)
    narrow = wide.map(lambda v: v * 10).set_parallelism(1)
    one.union(wide, narrow).map(lambda v: v).output()
    one.union(one).filter(lambda v: v > 1).map(lambda v: f"twice {v}").output()
    wide.union(wide).key_by(lambda v: 0).reduce(lambda a, b: a + b).filter(lambda v: v == 36).output("sum")
    expected = [*range(1, 7), 30, 40, 50, 60, "twice 2", "twice 2", 36]
    assert jobs.lines(env) == sorted(map(str, expected))


@widths
def test_split_and_select(jobs: Jobs, parallelism: int) -> None:
    """A record goes at most once to each selection, by the names it was given."""

    def names(value: int) -> Any:
        return {0: ["zero", "even"], 1: "odd", 2: ("even", "even"), 3: {"odd"}, 4: []}[value]

    env = jobs.environment(parallelism)
    parts = env.from_collection(range(5)).split(names)
    parts.select("even").map(lambda v: f"even {v}").output()
    parts.select("even", "zero").map(lambda v: f"either {v}").output()
    parts.select("odd").key_by(lambda v: 0).reduce(lambda a, b: a + b).map(lambda v: f"odd {v}").output()
    parts.select("no such").output()
    lines = jobs.lines(env)
    assert [line for line in lines if line != "odd 3"][:4] == ["either 0", "either 2", "even 0", "even 2"]
    assert lines[4:] in (["odd 1", "odd 4"], ["odd 3", "odd 4"])


@widths
def test_the_ways_to_spread_records(jobs: Jobs, parallelism: int) -> None:
    env = jobs.environment(parallelism)
    numbers = env.from_collection(range(300))
    numbers.rebalance().map(Where()).map(lambda pair: ("rebalance", pair[1])).output()
    numbers.shuffle().map(Where()).map(lambda pair: ("shuffle", pair[1])).output()
    numbers.broadcast().map(Where()).map(lambda pair: ("broadcast", pair[1])).output()
    numbers.map(Where()).forward().map(Where()).map(lambda pair: ("forward", pair[0][1] - pair[1])).output()
    lines = jobs.lines(env)
    for index in range(parallelism):
        assert lines.count(str(("rebalance", index))) == 300 / parallelism
        assert lines.count(str(("broadcast", index))) == 300
        assert lines.count(str(("shuffle", index))) > 50
    assert lines.count("('forward', 0)") == 300
    assert len(lines) == 300 * (3 + parallelism)


class Where(RichMapFunction):
    def map(self, value: Any) -> tuple[Any, int]:
        return (value, self.getRuntimeContext().getIndexOfThisSubtask())


@widths
def test_records_go_behind_a_split_where_they_would_have_gone_without_it(jobs: Jobs, parallelism: int) -> None:
    env = jobs.environment(parallelism)
    numbers = env.from_collection([number % 10 for number in range(300)])
    keyed = numbers.key_by(lambda v: v).split(lambda v: "all")
    keyed.select("all").map(Where()).map(lambda pair: ("keyed", *pair)).output()
    numbers.broadcast().split(lambda v: "all").select("all").map(Where()).map(lambda pair: ("all", pair[1])).output()
    union = numbers.broadcast().union(numbers).split(lambda v: "all")
    union.select("all").map(lambda v: "united").output()
    lines = jobs.lines(env)
    places = {ast.literal_eval(line)[1:] for line in lines if "keyed" in line}
    assert len(places) == 10
    assert sum("keyed" in line for line in lines) == 300
    assert [lines.count(str(("all", index))) for index in range(parallelism)] == [300] * parallelism
    assert lines.count("united") == 300 * (parallelism + 1)


@widths
def test_a_selector_that_counts_per_key_sees_all_records_of_its_key(jobs: Jobs, parallelism: int) -> None:
    class FirstOfEach(RichFunction, OutputSelector):
        def open(self, config: Any) -> None:
            self.seen = self.getRuntimeContext().getState(ValueStateDescriptor("seen", default=False))

        def select(self, value: int) -> str:
            known = self.seen.value()
            self.seen.update(True)
            return "again" if known else "first"

    env = jobs.environment(parallelism)
    parts = env.generate_sequence(1, 60).map(lambda v: v % 7).key_by(lambda v: v).split(FirstOfEach())
    parts.select("first").output()
    assert jobs.lines(env) == sorted(map(str, range(7)))


@pytest.mark.parametrize("parallelism", [2, 4])
def test_keys_of_all_kinds_meet_their_equals(here: Here, parallelism: int) -> None:
    lines = here.lines(
        """
        import collections, dataclasses, enum, numpy

        class Color(enum.Enum):
            RED = 1
            BLUE = 2

        class Level(enum.IntEnum):
            LOW = 1

        @dataclasses.dataclass(frozen=True)
        class Point:
            x: int
            name: str = "p"

        Pair = collections.namedtuple("Pair", "a b")

        class Own:
            def __init__(self, value):
                self.value = value
            def __eq__(self, other):
                return isinstance(other, Own) and self.value == other.value
            def __hash__(self):
                return hash(self.value)
            def __repr__(self):
                return "Own"

        KEYS = [Color.RED, Color.BLUE, Level.LOW, Point(3), Pair("x", 2), Own("o"), numpy.int64(77),
                numpy.float32(1.5), numpy.str_("text"), None, True and "s", b"b", frozenset({"f", "g"}),
                ("nested", ("t", None)), 10**30, -1, 2.25]

        def main(factory):
            env = factory.get_execution_environment()
            numbers = env.from_collection(range(len(KEYS) * 10)).rebalance()
            counts = numbers.map(lambda number: (KEYS[number % len(KEYS)], 1))
            counts = counts.key_by(lambda pair: pair[0]).reduce(lambda a, b: (a[0], a[1] + b[1]))
            counts.filter(lambda pair: pair[1] == 10).map(lambda pair: repr(pair[0])).output()
            env.execute()
        """,
        "-p",
        parallelism,
    )
    assert len(lines) == 17
    assert len({line.partition("> ")[2] for line in lines}) == 17


@widths
def test_numpy_and_enum_records_cross_workers(jobs: Jobs, parallelism: int) -> None:
    color = enum.Enum("color", ["RED"])
    array = numpy.arange(3)
    env = jobs.environment(parallelism)
    env.from_elements(array, array).rebalance().map(lambda v: v + 1).key_by(lambda v: 0).reduce(lambda a, b: a + b).map(
        lambda v: v.tolist()
    ).output()
    env.from_elements(color.RED).rebalance().map(lambda v: v.name).output()
    assert jobs.lines(env) == ["RED", "[1, 2, 3]", "[2, 4, 6]"]


def test_records_keep_their_types_whatever_came_before_them(jobs: Jobs) -> None:
    def odd_ones(number: int) -> Any:
        return {600: bytearray(b"x"), 700: (1, bytearray(b"y")), 800: [1], 900: (True, 1.0, None, b"z")}.get(
            number, (number, str(number))
        )

    env = jobs.environment(2)
    records = env.generate_sequence(1, 1000).map(odd_ones).rebalance()
    records.map(repr).output()
    assert sorted(jobs.lines(env)) == sorted(repr(odd_ones(number)) for number in range(1, 1001))


@widths
@pytest.mark.parametrize("kind", ["list", "generator", "iterator", "range", "java"])
def test_collections_of_all_kinds(jobs: Jobs, parallelism: int, kind: str) -> None:
    class Java:
        def __init__(self) -> None:
            self.number = 0

        def hasNext(self) -> bool:
            return self.number < 1000

        def next(self) -> int:
            self.number += 1
            return self.number - 1

    collection: Any = {
        "list": list(range(1000)),
        "generator": (number for number in range(1000)),
        "iterator": iter(range(1000)),
        "range": range(1000),
        "java": Java(),
    }[kind]
    env = jobs.environment(parallelism)
    env.from_collection(collection).map(lambda v: v).output()
    assert jobs.lines(env) == sorted(map(str, range(1000)))


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_collection_without_elements_ends_at_once(jobs: Jobs, parallelism: int) -> None:
    """Its end may be told before the worker has begun, so it is tried a few times."""
    for _ in range(10):
        env = jobs.environment(parallelism)
        env.from_collection(iter(())).union(env.from_collection([]), env.from_collection(iter("a"))).output()
        assert jobs.lines(env) == ["a"]


def test_a_generator_that_fails_fails_the_job(jobs: Jobs) -> None:
    def numbers() -> Any:
        yield 1
        raise ValueError("no more")

    env = jobs.environment(2)
    env.from_collection(numbers()).output()
    with pytest.raises(JobExecutionException, match="no more"):
        env.execute()


@pytest.mark.parametrize("parallelism", [1, 2, 4])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_each_line_of_a_file_is_read_once(jobs: Jobs, tmp_path: Path, parallelism: int, newline: str) -> None:
    lines = [f"line {number} " + "x" * (number % 300) for number in range(5000)]
    (tmp_path / "in.txt").write_bytes((newline.join(lines) + newline).encode())
    env = jobs.environment(parallelism)
    env.read_text_file(str(tmp_path / "in.txt")).output()
    assert jobs.lines(env) == sorted(lines)


@pytest.mark.parametrize("parallelism", [1, 3])
def test_write_as_text(jobs: Jobs, tmp_path: Path, parallelism: int) -> None:
    env = jobs.environment(parallelism)
    env.generate_sequence(1, 100).write_as_text(str(tmp_path / "out"))
    env.execute()
    out = tmp_path / "out"
    files = [out] if parallelism == 1 else [out / str(number + 1) for number in range(parallelism)]
    assert out.is_file() == (parallelism == 1)
    written = [int(line) for file in files for line in file.read_text().splitlines()]
    assert sorted(written) == list(range(1, 101))


def test_write_as_text_overwrites_only_when_told(jobs: Jobs, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("before")
    env = jobs.environment(1)
    env.from_elements(1).map(lambda v: (tmp_path / "touched").touch()).write_as_text(str(out))
    with pytest.raises(JobExecutionException, match="out"):
        env.execute()
    assert out.read_text() == "before"
    assert not (tmp_path / "touched").exists()
    env.from_elements(1, 2).write_as_text(str(out), mode=WriteMode.OVERWRITE)
    env.execute()
    assert out.read_text() == "1\n2\n"


@widths
def test_several_sinks_none_and_several_jobs_in_one_script(jobs: Jobs, tmp_path: Path, parallelism: int) -> None:
    env = jobs.environment(parallelism)
    numbers = env.from_elements(1, 2)
    numbers.output("a")
    numbers.output("b")
    numbers.write_as_text(str(tmp_path / "out")).set_parallelism(1)
    assert jobs.lines(env) == ["1", "1", "2", "2"]
    assert sorted((tmp_path / "out").read_text().split()) == ["1", "2"]
    seen = tmp_path / "seen"
    env.from_elements("x").map(lambda v: seen.write_text(v))
    assert jobs.lines(env) == []
    assert seen.read_text() == "x"
    result = env.from_elements(3).output() and env.execute("named")
    assert result.get_job_name() == "named"
    assert len(result.get_job_id()) == 32
    assert result.get_net_runtime() >= 0


def increased(value: int, collector: Any) -> None:
    collector.collect(value + 1)


# How many there are: those of one chain are calls in calls, and those behind exchanges are tasks, which cost far more.
LONG = {
    "maps": (1000, lambda stream: stream.map(lambda v: v + 1)),
    "flat maps": (1000, lambda stream: stream.flat_map(increased)),
    "windows": (
        500,
        lambda stream: stream.key_by(lambda v: v).count_window(1).apply(lambda k, w, v, out: out.collect(k + 1)),
    ),
}


# One instance has all windows in one chain; of several, each window is a task.
@pytest.mark.parametrize(("kind", "parallelism"), [("maps", 1), ("flat maps", 1), ("windows", 1), ("windows", 2)])
def test_very_many_operators_in_sequence(jobs: Jobs, kind: str, parallelism: int) -> None:
    count, longer = LONG[kind]
    env = jobs.environment(parallelism)
    stream: Any = env.generate_sequence(1, 10)
    for _ in range(count):
        stream = longer(stream)
    stream.output()
    assert jobs.lines(env) == sorted(str(number + count) for number in range(1, 11))


def test_prefixes_of_output(jobs: Jobs) -> None:
    env = jobs.environment(1)
    env.from_elements("v").output()
    env.from_elements("v").output("id")
    assert sorted(jobs.raw_lines(env)) == ["id> v", "v"]
    env = jobs.environment(2)
    env.from_elements("v").broadcast().map(lambda v: v).output()
    env.from_elements("v").broadcast().map(lambda v: v).output("id")
    assert sorted(jobs.raw_lines(env)) == ["1> v", "2> v", "id:1> v", "id:2> v"]


def test_lines_of_several_workers_do_not_mix(jobs: Jobs) -> None:
    env = jobs.environment(3)
    env.generate_sequence(1, 3000).map(lambda v: chr(ord("a") + v % 26) * 500).output()
    lines = jobs.lines(env)
    assert len(lines) == 3000
    assert all(len(line) == 500 and len(set(line)) == 1 for line in lines)


SCRIPT_CLASSES = """
    import sys
    from org.apache.flink.api.common.functions import RichMapFunction, RichFlatMapFunction
    from org.apache.flink.streaming.api.functions.source import ParallelSourceFunction

    class Person:
        def __init__(self, name):
            self.name = name
        def __str__(self):
            return "Person " + self.name

    class Greet(RichMapFunction):
        def open(self, config):
            context = self.getRuntimeContext()
            self.where = (context.getIndexOfThisSubtask(), context.getNumberOfParallelSubtasks())
            sys.stderr.write(f"open {self.where}\\n")
        def close(self):
            sys.stderr.write(f"close {self.where}\\n")
        def map(self, person):
            assert type(person) is Person
            return person

    class Each(ParallelSourceFunction):
        def run(self, ctx):
            ctx.collect("each")
        def cancel(self):
            pass

    def main(factory):
        class Local:
            def __init__(self, person):
                self.person = person
        env = factory.get_execution_environment()
        people = env.from_elements(*(Person(name) for name in "abcd"))
        greeted = people.rebalance().map(Greet())
        greeted.map(lambda person: Local(person)).rebalance().map(lambda local: local.person).output()
        env.create_python_source(Each()).output()
        env.execute()
"""


@pytest.mark.parametrize("parallelism", [1, 2])
def test_classes_of_the_script_and_rich_functions(here: Here, parallelism: int) -> None:
    done = here.run(SCRIPT_CLASSES, "-p", parallelism)
    assert done.code == 0, done.err
    records = sorted(line.rpartition("> ")[2] for line in done.lines)
    assert records == [*(f"Person {name}" for name in "abcd"), *["each"] * parallelism]
    said = [f"{what} {(index, parallelism)}" for what in ("close", "open") for index in range(parallelism)]
    assert sorted(done.err.splitlines()) == said


def test_print_in_functions_is_output_too(here: Here) -> None:
    lines = here.lines(
        """
        def shout(value):
            print("mapping", value)
            return value
        def main(factory):
            env = factory.get_execution_environment()
            print("before")
            env.from_elements(1).map(shout).output()
            env.execute()
            print("after")
        """
    )
    assert lines == ["before", "mapping 1", "1", "after"]
