"""The types of options: which text each one takes, and the value that it stands for."""

from __future__ import annotations

import os
import re
from math import inf
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")
_DECIMAL_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?")
_NUMBER_AND_UNIT = re.compile(r"([+-]?[0-9]+)\s*([^\s0-9+-]*)")

_MILLISECONDS = {
    1: ("", "ms", "milli", "millis", "millisecond", "milliseconds"),
    1_000: ("s", "sec", "secs", "second", "seconds"),
    60_000: ("m", "min", "minute", "minutes"),
    3_600_000: ("h", "hour", "hours"),
    86_400_000: ("d", "day", "days"),
}
_BYTES = {
    1: ("", "b", "byte", "bytes"),
    1 << 10: ("k", "kb", "kib", "kibibytes"),
    1 << 20: ("m", "mb", "mib", "mebibytes"),
    1 << 30: ("g", "gb", "gib", "gibibytes"),
    1 << 40: ("t", "tb", "tib", "tebibytes"),
}


def usable_cores() -> int:
    """The cores that this process may run on, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ValueType(Generic[T]):
    """Turns text into a value. ``name`` is for tables, ``allowed`` completes the sentence "give ..."."""

    name: str
    allowed: str

    def parse(self, text: str) -> T:
        """The value that ``text``, without blanks around it, stands for. Raises ValueError when it stands for none."""
        raise NotImplementedError


class Text(ValueType[str]):
    name = "text"
    allowed = "any text"

    def parse(self, text: str) -> str:
        return text


class Paths(ValueType[tuple[str, ...]]):
    """Directories, separated as Flink does: by a comma, ``|`` or the system's own separator."""

    name = "directories"
    allowed = f"directories separated by a comma, '|' or '{os.pathsep}'"

    def parse(self, text: str) -> tuple[str, ...]:
        parts = re.split(f"[,|{re.escape(os.pathsep)}]", text)
        return tuple(part.strip() for part in parts if part.strip())


class Ports(ValueType[tuple[int, ...]]):
    """TCP ports in the order in which to try them, as Flink writes them; an empty text is no port."""

    name = "ports"
    allowed = "a port, a range such as 9249-9260, several of them separated by commas, or 0 for any free port"

    def parse(self, text: str) -> tuple[int, ...]:
        ports: list[int] = []
        for part in text.split(",") if text else ():
            first, dash, last = (piece.strip() for piece in part.partition("-"))
            low = _port(first)
            high = _port(last) if dash else low
            if high < low:
                raise ValueError(text)
            ports.extend(range(low, high + 1))
        return tuple(ports)


class Boolean(ValueType[bool]):
    name = "boolean"
    allowed = "true or false"

    def parse(self, text: str) -> bool:
        lowered = text.lower()
        if lowered not in ("true", "false"):
            raise ValueError(text)
        return lowered == "true"


class Choice(ValueType[str]):
    """One of a few words; upper and lower case are the same. ``former`` has words that stood for one of them."""

    name = "choice"

    def __init__(self, *words: str, former: Mapping[str, str] | None = None) -> None:
        self.words = words
        self.allowed = " or ".join(words)
        self._former = former or {}

    def parse(self, text: str) -> str:
        lowered = text.lower()
        lowered = self._former.get(lowered, lowered)
        if lowered not in self.words:
            raise ValueError(text)
        return lowered


class Integer(ValueType[int]):
    """A whole number within bounds, both included; or ``auto``, when there is a way to find the number."""

    name = "integer"

    def __init__(
        self, minimum: int, maximum: int, auto: Callable[[], int] | None = None, remark: str | None = None
    ) -> None:
        self.minimum = minimum
        self.maximum = maximum
        self.auto = auto
        self.allowed = f"a whole number from {minimum} to {maximum}" + (f", {remark}" if remark else "")

    def parse(self, text: str) -> int:
        if self.auto is not None and text.lower() == "auto":
            return self.auto()
        if not _WHOLE_NUMBER.fullmatch(text):
            raise ValueError(text)
        return _within(int(text), self.minimum, self.maximum)


class Number(ValueType[float]):
    """A number, with or without a fraction, within bounds, both included."""

    name = "number"

    def __init__(self, minimum: float, maximum: float = inf) -> None:
        self.minimum = minimum
        self.maximum = maximum
        self.allowed = f"a number from {minimum:g}" + ("" if maximum == inf else f" to {maximum:g}")

    def parse(self, text: str) -> float:
        if not _DECIMAL_NUMBER.fullmatch(text):
            raise ValueError(text)
        number = float(text)
        if not self.minimum <= number <= self.maximum:
            raise ValueError(text)
        return number


class _Quantity(ValueType[int]):
    """A whole number and a unit, in the smallest unit."""

    units: ClassVar[dict[str, int]]

    def __init__(self, minimum: int, remark: str | None = None) -> None:
        self.minimum = minimum
        if remark:
            self.allowed = f"{self.allowed}; {remark}"

    def parse(self, text: str) -> int:
        match = _NUMBER_AND_UNIT.fullmatch(text)
        if match is None:
            raise ValueError(text)
        number, unit = match.groups()
        if unit.lower() not in self.units:
            raise ValueError(text)
        return _within(int(number) * self.units[unit.lower()], self.minimum, _LARGEST)


class Duration(_Quantity):
    """A length of time, in ms."""

    name = "duration"
    allowed = "a duration such as 100 ms, 1 s, 5 min, 1 h or 1 d (a bare number is in ms)"
    units: ClassVar[dict[str, int]] = {unit: factor for factor, units in _MILLISECONDS.items() for unit in units}


class MemorySize(_Quantity):
    """An amount of memory, in bytes; ``kb`` is 1024 of them."""

    name = "memory size"
    allowed = "a memory size such as 512 kb, 64 mb or 1 g (a bare number is in bytes)"
    units: ClassVar[dict[str, int]] = {unit: factor for factor, units in _BYTES.items() for unit in units}


_LARGEST = 2**63 - 1


def _port(text: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(text):
        raise ValueError(text)
    return _within(int(text), 0, 65535)


def _within(number: int, minimum: int, maximum: int) -> int:
    if not minimum <= number <= maximum:
        raise ValueError(number)
    return number
