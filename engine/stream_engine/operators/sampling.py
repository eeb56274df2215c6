"""Counting calls where to count each would cost too much: in some batches of records, as if the others were alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.operators.code import Count

# So many calls are all counted before any are estimated.
_ENOUGH = 100_000
# What a counted batch still weighs when the next one has been counted.
_MEMORY = 0.9


class Sample:
    """How often generated code, in its ``namespace``, calls ``function``.

    While a batch is counted, the code finds in the function's place one that counts; in others it pays nothing.
    """

    def __init__(self, count: Count, namespace: dict[str, Any], function: Callable[..., Any]) -> None:
        self._count = count
        self._namespace = namespace
        self._function = function
        self._names: list[str] = []
        self._calls = 0
        # Of the batches that were counted, the later ones weighing more; and the part of a call still to be added.
        self._recent_calls = self._recent_records = self._rest = 0.0

    def add_place(self, name: str) -> None:
        """The code finds the function under ``name``."""
        self._names.append(name)

    @property
    def needed(self) -> bool:
        """Whether too little has been counted to estimate anything."""
        return self._count.records < _ENOUGH

    def begin(self) -> None:
        """A batch begins that is counted."""
        self._install(self._call)

    def end(self, records: int) -> None:
        """It has ended, and had so many records."""
        self._install(self._function)
        self._count.add(self._calls)
        self._recent_calls = self._recent_calls * _MEMORY + self._calls
        self._recent_records = self._recent_records * _MEMORY + records
        self._calls = 0

    def estimate(self, records: int) -> None:
        """A batch of so many records has not been counted."""
        calls = self._recent_calls / self._recent_records * records + self._rest
        self._rest = calls % 1
        self._count.add(int(calls))
        self._count.estimated = True

    def _install(self, function: Callable[..., Any]) -> None:
        for name in self._names:
            self._namespace[name] = function

    def _call(self, *arguments: Any) -> None:
        self._calls += 1
        self._function(*arguments)
