"""How much memory objects take, about."""

from __future__ import annotations

from collections import deque
from itertools import islice
from sys import getsizeof
from typing import Any

# What is looked at of a collection; the rest is taken to be like it.
_SAMPLE = 32
# What a dict takes for each of its entries.
_ENTRY = 100
# How deep.
_DEPTH = 6


def size_of(value: Any, depth: int = _DEPTH) -> int:
    """The bytes of an object with what it holds. What several hold counts several times."""
    size = getsizeof(value, 64)
    if depth == 0:
        return size
    kind = type(value)
    if kind in (str, int, float, bytes, bool):
        return size
    if isinstance(value, dict):
        return size + _together(value, depth) + _together(value.values(), depth)
    if isinstance(value, (tuple, list, set, frozenset, deque)):
        size += _together(value, depth)
    fields = getattr(value, "__dict__", None)
    if type(fields) is dict:
        size += getsizeof(fields) + _together(fields.values(), depth)
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            size += size_of(getattr(value, name, None), depth - 1)
    return size


def _together(values: Any, depth: int) -> int:
    number = len(values)
    size = sum(size_of(value, depth - 1) for value in islice(values, _SAMPLE))
    return size if number <= _SAMPLE else size * number // _SAMPLE


def mean_size(entries: Any, number: int) -> int:
    """The mean of the bytes of ``number`` entries of a dict, from a few of them all over it, with their share of it."""
    if not number:
        return 0
    step = -(-number // _SAMPLE)
    sample = list(islice(entries, 0, None, step))
    return sum(map(size_of, sample)) // len(sample) + _ENTRY
