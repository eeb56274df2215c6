"""Counts from one integer to another, shared among subtasks."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class SequenceReader:
    """The integers from ``start`` to ``end``, both included, that belong to ``subtask`` (from 0) of ``parallelism``.

    Shares are interleaved, so that subtasks of equal speed together move through the sequence in order. Nothing is
    stored: a sequence of any length costs the same. Shares that other numbers of subtasks had are read together, in
    the order of their integers, so that event time that goes by them stays in order, too.
    """

    def __init__(self, start: int, end: int, subtask: int, parallelism: int) -> None:
        self._ranges = [range(start + subtask, end + 1, parallelism)]
        self._count = self._left

    def read(self, limit: int) -> Sequence[int] | None:
        """The next integers, at most ``limit``, ascending; None at the end."""
        if len(self._ranges) > 1:
            return self._read_together(limit)
        if not self._ranges or not self._ranges[0]:
            return None
        numbers = self._ranges[0]
        self._ranges[0] = numbers[limit:]
        return numbers[:limit]

    def _read_together(self, limit: int) -> Sequence[int] | None:
        integers = sorted(chain.from_iterable(numbers[:limit] for numbers in self._ranges))[:limit]
        if integers:
            # No integer is in two of them.
            self._ranges = [rest for numbers in self._ranges if (rest := _behind(numbers, integers[-1]))]
        return integers or None

    @property
    def _left(self) -> int:
        return sum(_count(numbers) for numbers in self._ranges)

    def progress(self) -> tuple[int, int]:
        """How many integers were returned since it was made or restored, and how many it had then."""
        return self._count - self._left, self._count

    def position(self) -> list[range]:
        """The ranges that are left."""
        return [numbers for numbers in self._ranges if numbers]

    def seek(self, position: list[range]) -> None:
        self._ranges = [numbers for numbers in position if numbers]
        self._count = self._left

    def take_share(self, positions: Sequence[list[range]], subtask: int, parallelism: int) -> None:
        ranges = _joined([numbers for position in positions for numbers in position])
        self.seek([numbers[subtask::parallelism] for numbers in ranges])

    def close(self) -> None:
        self._ranges = []


def _count(numbers: range) -> int:
    # len() fails for more than a machine word can count.
    return max(0, -((numbers.start - numbers.stop) // numbers.step))


def _behind(numbers: range, last: int) -> range:
    """The integers that are greater than ``last``."""
    return numbers[max(0, (last - numbers.start) // numbers.step + 1) :]


def _joined(ranges: list[range]) -> list[range]:
    """The same integers, in one range again where interleaved shares of one have come equally far.

    Otherwise each change of the parallelism would add ranges, as each one is divided anew.
    """
    by_step: dict[int, list[range]] = {}
    for numbers in ranges:
        by_step.setdefault(numbers.step, []).append(numbers)
    joined: list[range] = []
    for step, shares in by_step.items():
        # From here on there are integers in all of them.
        begin = max(numbers.start for numbers in shares)
        rests = sorted((_behind(numbers, begin - 1) for numbers in shares), key=lambda numbers: numbers.start)
        rests = [numbers for numbers in rests if numbers]
        whole = range(rests[0].start, max(numbers[-1] for numbers in rests) + 1, max(1, step // len(shares)))
        complete = step % len(shares) == 0 and _count(whole) == sum(map(_count, rests))
        if complete and all(numbers.start in whole for numbers in rests):
            joined.append(whole)
            joined += [before for each in shares if (before := range(each.start, min(each.stop, begin), step))]
        else:
            joined += shares
    return joined
