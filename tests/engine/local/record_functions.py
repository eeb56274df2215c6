"""Functions for plans made at random. Workers import this file, so it imports little itself.

Records are a key and a number: as a tuple, a list or a dict, or one int that is both.
"""

from __future__ import annotations

from typing import Any


def parts(record: Any) -> tuple[int, int]:
    if isinstance(record, dict):
        return record["key"], record["numbers"][0]
    return (record, record) if isinstance(record, int) else tuple(record[:2])


def to_tuple(record: Any) -> Any:
    return parts(record)


def to_dict(record: Any) -> Any:
    key, number = parts(record)
    return {"key": key, "numbers": [number]}


def increase(record: Any) -> Any:
    """Changes what can be changed, in place."""
    if isinstance(record, dict):
        record["numbers"][0] += 3
        return record
    if isinstance(record, list):
        record[1] += 3
        return record
    key, number = parts(record)
    return (key, number + 3)


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


def is_wanted(record: Any) -> Any:
    return parts(record)[1] % 4


def names(record: Any) -> Any:
    key, number = parts(record)
    return ["even" if number % 2 == 0 else "odd", "small" if key < 3 else "large"]


# Results of keyed operators must not depend on order: all records of a key are equal.
def ones(record: Any) -> Any:
    key, number = parts(record)
    return [(key + number) % 5, 1]


def one_tuples(record: Any) -> Any:
    return tuple(ones(record))


def key_of(record: Any) -> Any:
    return record[0]


def add(total: Any, record: Any) -> Any:
    return (total[0], total[1] + record[1])


def add_in_place(total: Any, record: Any) -> Any:
    if isinstance(total, tuple):
        return add(total, record)
    total[1] += record[1]
    record[1] = -1000
    return total


def measure(key: Any, window: Any, values: Any, collector: Any) -> None:
    collector.collect([key, sum(value[1] for value in values)])
    for value in values:
        if isinstance(value, list):
            value[1] = -1000
    values.clear()
