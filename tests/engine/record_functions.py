"""Functions for plans made at random. Workers import this file, so it imports little itself.

Records are a key and a number, both ints: as a tuple, a list, a dict, or a Row; or one int that is both.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from stream_engine.api.functions import MapFunction, ParallelSourceFunction, RichFlatMapFunction, SourceFunction
from stream_engine.api.state import ValueStateDescriptor
from stream_engine.api.watermarks import AssignerWithPunctuatedWatermarks, BoundedOutOfOrdernessTimestampExtractor

# What records are keyed by: values of many kinds.
KEYS = (None, "a", ("t", 1), 3, 2.5, b"x", frozenset({4}))
# The functions that make the same of records in any order.
ORDERLESS = frozenset({"add", "add_in_place", "total"})


class Row:
    """A record that can be changed, of a class that is not hashable."""

    def __init__(self, key: int, number: int) -> None:
        self.key = key
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and (self.key, self.number) == (other.key, other.number)

    __hash__ = None  # pyright: ignore[reportAssignmentType]


def parts(record: Any) -> tuple[int, int]:
    if isinstance(record, dict):
        return record["key"], record["numbers"][0]
    if isinstance(record, Row):
        return record.key, record.number
    return (record, record) if isinstance(record, int) else tuple(record[:2])


def changed(record: Any, key: int, number: int) -> Any:
    """The record with other parts: itself, where it can be changed."""
    if isinstance(record, dict):
        record["key"], record["numbers"][0] = key, number
    elif isinstance(record, list):
        record[:] = [key, number]
    elif isinstance(record, Row):
        record.key, record.number = key, number
    else:
        return (key, number)
    return record


# --- one record at a time --------------------------------------------------------------------------------------------


def to_tuple(record: Any) -> Any:
    return parts(record)


def to_dict(record: Any) -> Any:
    key, number = parts(record)
    return {"key": key, "numbers": [number]}


def to_row(record: Any) -> Any:
    return Row(*parts(record))


def increase(record: Any) -> Any:
    key, number = parts(record)
    return changed(record, key, number + 3)


def spoil(record: Any) -> Any:
    """Leaves nothing of a record that could be changed."""
    key, number = parts(record)
    if isinstance(record, dict):
        record["numbers"].clear()
    if isinstance(record, dict | list):
        record.clear()
    return [number % 7, key]


def repeat(record: Any, collector: Any) -> None:
    """Collects one list again and again, changed each time."""
    key, number = parts(record)
    row = [0, 0]
    for index in range(number % 3):
        row[:] = [key + index, number - index]
        collector.collect(row)


class Reused(MapFunction):
    """Returns the same list each time, changed."""

    def __init__(self) -> None:
        self._row = [0, 0]

    def map(self, value: Any) -> Any:
        self._row[:] = parts(value)
        return self._row


def last(record: Any) -> Any:
    """What is written; whoever else holds the record would see it change."""
    key, number = parts(record)
    changed(record, -1000, -1000)
    return (key, number)


def is_wanted(record: Any) -> Any:
    return parts(record)[1] % 4


def names(record: Any) -> Any:
    """As a list, a str, a set, and a tuple."""
    key, number = parts(record)
    parity, size = "even" if number % 2 == 0 else "odd", "small" if key < 3 else "large"
    return ([parity, size], parity, {parity, size, "all"}, ())[key % 4]


def ones(record: Any) -> Any:
    """All records of a key become the same, so that their order does not matter."""
    key, number = parts(record)
    return [(key + number) % 5, 1]


# --- records of a key ------------------------------------------------------------------------------------------------


def key_of(record: Any) -> Any:
    return KEYS[parts(record)[0] % len(KEYS)]


def parity_of(record: Any) -> Any:
    return parts(record)[1] % 2


def compose(total: Any, record: Any) -> Any:
    """Associative, but the order matters: numbers stand for functions of the kind x -> a * x + b, modulo 97."""
    key, number = parts(total)
    (a, b), (c, d) = divmod(number % 9409, 97), divmod(parts(record)[1] % 9409, 97)
    return (key, a * c % 97 * 97 + (b * c + d) % 97)


def compose_in_place(total: Any, record: Any) -> Any:
    """As ``compose``, with a new value for what is kept, and nothing left of what is added."""
    key, number = compose(total, record)
    changed(record, -1000, -1000)
    return changed(total, key, number)


def add(total: Any, record: Any) -> Any:
    (key, number), (other_key, other_number) = parts(total), parts(record)
    return (min(key, other_key), number + other_number)


def add_in_place(total: Any, record: Any) -> Any:
    key, number = add(total, record)
    changed(record, -1000, -1000)
    return changed(total, key, number)


def sequence(key: Any, window: Any, values: Any, collector: Any) -> None:
    """The order of the values counts."""
    collector.collect([parts(values[0])[0], parts(reduce(compose, values))[1] * 7 + len(values)])
    _use_up(values)


def total(key: Any, window: Any, values: Any, collector: Any) -> None:
    """The order of the values does not count."""
    start = getattr(window, "start", 0) % 1009
    row = [*parts(reduce(add, values)), start]
    collector.collect(row)
    row[:] = [row[0], row[1] * 11 + start]
    collector.collect(row)
    _use_up(values)


def _use_up(values: Any) -> None:
    for value in values:
        changed(value, -1000, -1000)
    values.clear()


class Numbered(RichFlatMapFunction):
    """Counts the records of each key, in a state that it changes in place."""

    def open(self, config: Any) -> None:
        self._seen = self.get_runtime_context().get_state(ValueStateDescriptor("seen", default=[0]))

    def flatMap(self, value: Any, collector: Any) -> None:
        seen = self._seen.value()
        seen[0] += 1
        self._seen.update(seen)
        key, number = parts(value)
        collector.collect((key, number + 100 * seen[0]))
        seen[0] = -1000


# --- loops: the number tells how many turns are left -----------------------------------------------------------------


def with_turns(record: Any) -> Any:
    key, number = parts(record)
    return [key % 9, number % 5]


def turned(record: Any) -> Any:
    key, number = parts(record)
    return changed(record, key, number - 1)


def fan_out(record: Any, collector: Any) -> None:
    key, number = parts(record)
    for index in range(1 + number % 2):
        collector.collect([key + index, number - 1])


def has_turns(record: Any) -> Any:
    return parts(record)[1] > 0


def has_none(record: Any) -> Any:
    return parts(record)[1] <= 0


def turns(record: Any) -> Any:
    key, number = parts(record)
    return [] if number <= 0 else ["inner"] if (key + number) % 3 else ["outer"]


def latest(total: Any, record: Any) -> Any:
    return record


def first_of(key: Any, window: Any, values: Any, collector: Any) -> None:
    collector.collect(values[0])


# --- event time ------------------------------------------------------------------------------------------------------


def time_of(record: Any) -> int:
    return abs(parts(record)[1]) % 60


class Patient(BoundedOutOfOrdernessTimestampExtractor):
    """No record is late by more than the largest of all times."""

    def __init__(self) -> None:
        super().__init__(1000)

    def extractTimestamp(self, element: Any) -> int:
        return time_of(element)


class Hasty(AssignerWithPunctuatedWatermarks):
    """A watermark after some of the records, ``lag`` ms behind the record."""

    def __init__(self, lag: int) -> None:
        self._lag = lag

    def extractTimestamp(self, element: Any, previous: Any) -> int:
        return time_of(element)

    def checkAndGetNextWatermark(self, element: Any, timestamp: int) -> Any:
        return timestamp - self._lag if parts(element)[0] % 3 else None


# --- sources ---------------------------------------------------------------------------------------------------------


class Pushed(SourceFunction):
    """Collects one list again and again."""

    def __init__(self, pairs: list[tuple[int, int]]) -> None:
        self._pairs = pairs

    def run(self, ctx: Any) -> None:
        row = [0, 0]
        for pair in self._pairs:
            row[:] = pair
            ctx.collect(row)

    def cancel(self) -> None:
        """It ends by itself."""


class PushedByAll(ParallelSourceFunction):
    """The same in each instance."""

    def __init__(self, pairs: list[tuple[int, int]]) -> None:
        self._pairs = pairs

    def run(self, ctx: Any) -> None:
        for pair in self._pairs:
            ctx.collect(list(pair))

    def cancel(self) -> None:
        """It ends by itself."""


class Timed(SourceFunction):
    """Records with their own times, and watermarks: an item is a pair, or the time of a watermark."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def run(self, ctx: Any) -> None:
        for item in self._items:
            if isinstance(item, int):
                ctx.emit_watermark(item)
            else:
                ctx.collect_with_timestamp(item, item[1])

    def cancel(self) -> None:
        """It ends by itself."""
