"""Plans with the operations of the guide, each ended by its outputs; records are of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from record_functions import Row, key_of, names, parts, spoil, to_row

from stream_engine.api.functions import (
    FilterFunction,
    FlatMapFunction,
    KeySelector,
    MapFunction,
    OutputSelector,
    ReduceFunction,
    RichFlatMapFunction,
    RichMapFunction,
    SourceFunction,
    WindowFunction,
)
from stream_engine.api.state import ValueStateDescriptor
from stream_engine.api.time import Time, TimeCharacteristic
from stream_engine.api.watermarks import AssignerWithPunctuatedWatermarks

Plan = Callable[[Any], None]

# --- functions, as the guide has them --------------------------------------------------------------------------------


class Generator(SourceFunction):
    def __init__(self, num_iters: int) -> None:
        self._running = True
        self._num_iters = num_iters

    def run(self, ctx: Any) -> None:
        counter = 0
        while self._running and counter < self._num_iters:
            ctx.collect("Hello World")
            counter += 1

    def cancel(self) -> None:
        self._running = False


class Tokenizer(FlatMapFunction):
    def flatMap(self, value: Any, collector: Any) -> None:
        for word in value.lower().split():
            collector.collect((1, word))


class Selector(KeySelector):
    def getKey(self, value: Any) -> Any:
        return value[1]


class Sum(ReduceFunction):
    def reduce(self, value1: Any, value2: Any) -> Any:
        return (value1[0] + value2[0], value1[1])


class Doubler(MapFunction):
    def map(self, value: Any) -> Any:
        return value * 2


class Greater(FilterFunction):
    def filter(self, value: Any) -> Any:
        return value > 10


class Parity(OutputSelector):
    def select(self, value: Any) -> Any:
        return ["even"] if value % 2 == 0 else ["odd", "all"]


class WindowSum(WindowFunction):
    def apply(self, key: Any, window: Any, values: Any, collector: Any) -> None:
        collector.collect((key, sum(value[0] for value in values), len(values)))


class Opened(RichMapFunction):
    """Says by what it collects that it was opened once, before the first record."""

    def open(self, config: Any) -> None:
        self.opened = [*getattr(self, "opened", []), self.getRuntimeContext().getNumberOfParallelSubtasks()]

    def map(self, value: Any) -> Any:
        return (value, tuple(self.opened))


class Numbered(RichFlatMapFunction):
    def open(self, config: Any) -> None:
        self._count = self.getRuntimeContext().getState(ValueStateDescriptor("count", int, 0))

    def flatMap(self, value: Any, collector: Any) -> None:
        self._count.update(self._count.value() + 1)
        collector.collect((key_of(value), self._count.value()))


class Punctual(AssignerWithPunctuatedWatermarks):
    """A watermark behind each record, 10 ms before it."""

    def extractTimestamp(self, element: Any, previous: Any) -> int:
        return element[1]

    def checkAndGetNextWatermark(self, element: Any, timestamp: int) -> Any:
        return timestamp - 10


# --- plans -----------------------------------------------------------------------------------------------------------


def word_count_of_the_guide(env: Any) -> None:
    """Its window is so long that all is in one, however long the test takes."""
    words = env.create_python_source(Generator(num_iters=1000)).flat_map(Tokenizer())
    words.key_by(Selector()).time_window(Time.days(1)).reduce(Sum()).output()


def one_record_at_a_time(env: Any) -> None:
    env.from_elements(1, 5, 6, 7, 100).map(Doubler()).filter(Greater()).output("doubled")


def rolling_reduce(env: Any) -> None:
    pairs = env.generate_sequence(1, 50).map(lambda number: (1, number % 4))
    pairs.key_by(Selector()).reduce(Sum()).output()


def tumbling_count_windows(env: Any) -> None:
    pairs = env.generate_sequence(1, 50).map(lambda number: (1, number % 4))
    pairs.key_by(Selector()).count_window(3).reduce(Sum()).output()


def sliding_count_windows(env: Any) -> None:
    pairs = env.generate_sequence(1, 50).map(lambda number: (1, number % 4))
    pairs.key_by(Selector()).count_window(10, 5).apply(WindowSum()).output()


def sliding_event_time_with_late_data(env: Any) -> None:
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    times = [1, 4, 2, 30, 3, 31, 60, 5, 59, 61, 100, 40]
    timed = env.from_collection([(1, time) for time in times]).assign_timestamps_and_watermarks(Punctual())
    keyed = timed.set_parallelism(1).key_by(lambda pair: "all")
    result = keyed.time_window(Time.milliseconds(20), Time.milliseconds(10)).side_output_late_data("late")
    result = result.apply(WindowSum())
    result.output("windows")
    result.get_side_output("late").output("late")


def selected_outputs(env: Any) -> None:
    parity = env.generate_sequence(1, 30).split(Parity())
    parity.select("even").output("even")
    parity.select("even", "odd").union(parity.select("all")).output("joined")
    parity.select("none").output("none")


def rich_functions(env: Any) -> None:
    env.from_elements("one", "two", "three").map(Opened()).set_parallelism(1).output()


def keyed_state(env: Any) -> None:
    env.generate_sequence(1, 100).map(lambda number: [number, 1]).key_by(key_of).flat_map(Numbered()).output()


def primitive_types(env: Any) -> None:
    values = [1, -(2**70), 2.5, True, None, "text", "\u00e9\U0001f600", b"\xff\x00", (1, ("a", [None])), {"k": {2}}]
    env.from_collection(values).rebalance().map(lambda value: (type(value).__name__, value)).output()


def byte_arrays(env: Any) -> None:
    """Each is filled anew by the function that has made it."""
    filled = bytearray(3)

    def fill(number: int) -> bytearray:
        filled[:] = bytes([number % 256]) * 3
        return filled

    arrays = env.generate_sequence(1, 40).map(fill).rebalance()
    arrays.map(lambda array: (type(array).__name__, array.hex())).output()


def user_types(env: Any) -> None:
    """Records that can be changed, of a class without a hash, and left with nothing in them."""
    rows = env.from_collection([(number % 5, number) for number in range(40)]).map(to_row).rebalance()
    rows.filter(lambda row: isinstance(row, Row)).map(lambda row: (type(row).__name__, *parts(row))).output("rows")
    rows.map(spoil).split(names).select("even").output("spoilt")


class Money:
    def __init__(self, cents: int, currency: str) -> None:
        self.cents, self.currency = cents, currency

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and (self.cents, self.currency) == (other.cents, other.currency)

    def __hash__(self) -> int:
        return hash((self.cents, self.currency))

    def __str__(self) -> str:
        return f"{self.cents / 100:.2f} {self.currency}"


def user_types_as_keys(env: Any) -> None:
    prices = env.generate_sequence(1, 60).map(lambda number: (1, Money(number % 4 * 100, "EUR"))).rebalance()
    prices.key_by(Selector()).reduce(Sum()).map(lambda pair: f"{pair[1]}: {pair[0]}").output()


def numpy_records(env: Any) -> None:
    arrays = env.generate_sequence(1, 20).map(lambda number: numpy.arange(number) / 2).rebalance()
    arrays.map(lambda array: float(array.sum())).output("sums")
    # All of a key are the same, so that their order does not matter.
    ones = arrays.map(lambda array: (numpy.int64(len(array) % 3), numpy.float32(1)))
    counts = ones.key_by(lambda pair: pair[0]).reduce(lambda one, other: (one[0], one[1] + other[1]))
    counts.map(lambda pair: [(type(part).__name__, float(part)) for part in pair]).output("counts")


def printing_functions(env: Any) -> None:
    def show(number: int) -> int:
        print(f"printed> {number}")
        return number

    env.generate_sequence(1, 5).map(show).output()


PLANS: list[Plan] = [
    word_count_of_the_guide,
    one_record_at_a_time,
    rolling_reduce,
    tumbling_count_windows,
    sliding_count_windows,
    sliding_event_time_with_late_data,
    selected_outputs,
    rich_functions,
    keyed_state,
    primitive_types,
    byte_arrays,
    user_types,
    user_types_as_keys,
    numpy_records,
    printing_functions,
]
