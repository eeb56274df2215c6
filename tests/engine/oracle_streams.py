"""The streams of the oracle: lists of elements, and what of their order is the same in every run.

Elements are in lanes. Those of one lane take the same way from subtask to subtask, and so come in their order however
many there are; between two lanes there is no order. Watermarks are in a stream only where all its records are in one
lane, and so in one order with them; wherever they are not, nothing may be late.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

# An event time that may be another one in another run, or that the watermark may have passed before.
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Element:
    """A record with its event time (None: it has none), and ``names``: a split's, or that of an output of its own."""

    record: Any
    lane: Hashable
    time: Any = None
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Watermark:
    time: int


Stream = list[Element | Watermark]


class Collected:
    """A collector, or the context of a source, that keeps copies of records, with their times, and watermarks."""

    def __init__(self) -> None:
        self.items: list[tuple[Any, int | None] | Watermark] = []

    def collect(self, record: Any) -> None:
        self.items.append((deepcopy(record), None))

    def collect_with_timestamp(self, record: Any, time: int) -> None:
        self.items.append((deepcopy(record), time))

    def emit_watermark(self, watermark: int) -> None:
        self.items.append(Watermark(watermark))

    @property
    def records(self) -> list[Any]:
        return [item[0] for item in self.items if not isinstance(item, Watermark)]


def records_of(stream: Iterable[Element | Watermark]) -> list[Element]:
    return [item for item in stream if not isinstance(item, Watermark)]


def without_watermarks(stream: Stream) -> list[Element]:
    """The records alone. Were some behind a watermark of their time, they may be late or not from here on."""
    latest, late = -1, False
    for item in stream:
        if isinstance(item, Watermark):
            latest = max(latest, item.time)
        elif latest >= 0 and item.time is not None:
            late = late or item.time == UNKNOWN or item.time <= latest
    return untimed(records_of(stream)) if late else records_of(stream)


def untimed(elements: Iterable[Element]) -> list[Element]:
    """If there was a time, nobody can rely on it."""
    return [element if element.time is None else replace(element, time=UNKNOWN) for element in elements]


def unordered(elements: Iterable[Element]) -> list[Element]:
    return [replace(element, lane=("alone", index)) for index, element in enumerate(elements)]


def united(streams: Iterable[Stream]) -> list[Element]:
    """The union of streams: each keeps its order."""
    return [
        replace(element, lane=(position, element.lane))
        for position, stream in enumerate(streams)
        for element in without_watermarks(stream)
    ]


def is_ordered(elements: Iterable[Element]) -> bool:
    """Whether they come in the same order in every run."""
    return len({element.lane for element in elements}) <= 1


def is_steady(elements: list[Element]) -> bool:
    """Whether they come in the same order in every run, or there is nothing to tell one order from another."""
    return is_ordered(elements) or all(element.record == elements[0].record for element in elements)


def grouped(elements: Iterable[Element], key_of: Callable[[Any], Any]) -> dict[Any, list[Element]]:
    groups: dict[Any, list[Element]] = {}
    for element in elements:
        groups.setdefault(key_of(deepcopy(element.record)), []).append(element)
    return groups
