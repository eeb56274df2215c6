"""Counts from one integer to another, shared among subtasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class SequenceReader:
    """The integers from ``start`` to ``end``, both included, that belong to ``subtask`` (from 0) of ``parallelism``.

    Shares are interleaved, so that subtasks of equal speed together move through the sequence in order. Nothing is
    stored: a sequence of any length costs the same.
    """

    def __init__(self, start: int, end: int, subtask: int, parallelism: int) -> None:
        self._ranges = [range(start + subtask, end + 1, parallelism)]
        self._count = self._left

    def read(self, limit: int) -> range | None:
        """The next integers, at most ``limit``; None at the end."""
        while self._ranges:
            numbers = self._ranges[0]
            if numbers:
                self._ranges[0] = numbers[limit:]
                return numbers[:limit]
            del self._ranges[0]
        return None

    @property
    def _left(self) -> int:
        # len() cannot tell of more than fit into a machine word.
        return sum(max(0, -((numbers.start - numbers.stop) // numbers.step)) for numbers in self._ranges)

    def progress(self) -> tuple[int, int]:
        """How many integers were returned, since it was made or restored, and how many there were then."""
        return self._count - self._left, self._count

    def position(self) -> list[range]:
        """What is left."""
        return [numbers for numbers in self._ranges if numbers]

    def seek(self, position: list[range]) -> None:
        self._ranges = list(position)
        self._count = self._left

    def take_share(self, positions: Sequence[list[range]], subtask: int, parallelism: int) -> None:
        self._ranges = [numbers[subtask::parallelism] for position in positions for numbers in position]
        self._count = self._left

    def close(self) -> None:
        self._ranges = []
