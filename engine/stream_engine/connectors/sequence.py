"""Counts from one integer to another, shared among subtasks."""

from __future__ import annotations


class SequenceReader:
    """The integers from ``start`` to ``end``, both included, that belong to ``subtask`` (from 0) of ``parallelism``.

    Shares are interleaved, so that subtasks of equal speed together move through the sequence in order. Nothing is
    stored: a sequence of any length costs the same.
    """

    def __init__(self, start: int, end: int, subtask: int, parallelism: int) -> None:
        self._first = self._next = start + subtask
        self._end = end
        self._step = parallelism

    def read(self, limit: int) -> range | None:
        """The next integers, at most ``limit``; None at the end."""
        if self._next > self._end:
            return None
        stop = self._next + limit * self._step
        numbers = range(self._next, min(stop, self._end + 1), self._step)
        self._next = stop
        return numbers

    def progress(self) -> tuple[int, int]:
        """How many integers were returned, and how many there are."""
        count = max(0, (self._end - self._first) // self._step + 1)
        return min(count, (self._next - self._first) // self._step), count

    def position(self) -> int:
        """The next integer."""
        return self._next

    def seek(self, position: int) -> None:
        self._next = position

    def close(self) -> None:
        self._next = self._end + 1
