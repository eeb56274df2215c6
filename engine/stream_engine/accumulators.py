"""Accumulators: each instance of a function adds to its own, and the job's result has them merged."""

from __future__ import annotations

from typing import Any

from stream_engine.beans import with_properties


@with_properties
class Accumulator:
    """Gathers values; at the end of the job it is merged with those of the same name."""

    def add(self, value: Any) -> None:
        raise NotImplementedError

    def merge(self, other: Any) -> None:
        """Adds what another accumulator has gathered."""
        raise NotImplementedError

    def get_local_value(self) -> Any:
        raise NotImplementedError

    def reset_local(self) -> None:
        """Forgets all that was added."""
        raise NotImplementedError

    # Called by name, so that a subclass need only define one spelling.
    def getLocalValue(self) -> Any:
        return self.get_local_value()

    def resetLocal(self) -> None:
        self.reset_local()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.get_local_value()})"


class IntCounter(Accumulator):
    """A sum of ints."""

    def __init__(self, value: int = 0) -> None:
        self._sum = value

    def add(self, value: int) -> None:
        self._sum += value

    def merge(self, other: IntCounter) -> None:
        self._sum += other.get_local_value()

    def get_local_value(self) -> int:
        return self._sum

    def reset_local(self) -> None:
        self._sum = 0


class LongCounter(IntCounter):
    """The same: Python's ints have no largest value."""


class DoubleCounter(Accumulator):
    """A sum of floats."""

    def __init__(self, value: float = 0.0) -> None:
        self._sum = float(value)

    def add(self, value: float) -> None:
        self._sum += value

    def merge(self, other: DoubleCounter) -> None:
        self._sum += other.get_local_value()

    def get_local_value(self) -> float:
        return self._sum

    def reset_local(self) -> None:
        self._sum = 0.0


class AverageAccumulator(Accumulator):
    """The mean of the numbers added; 0.0 when there are none."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._count = 0

    def add(self, value: float) -> None:
        self._sum += value
        self._count += 1

    def merge(self, other: AverageAccumulator) -> None:
        self._sum += other._sum
        self._count += other._count

    def get_local_value(self) -> float:
        return self._sum / self._count if self._count else 0.0

    def reset_local(self) -> None:
        self._sum, self._count = 0.0, 0
