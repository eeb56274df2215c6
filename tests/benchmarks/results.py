"""The table of results, for a terminal and for README.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEADINGS = ("benchmark", "ours", "against", "seconds", "CPU seconds", "result", "wanted", "")


@dataclass(frozen=True)
class Limit:
    """What a result should at least, or at most, be."""

    least: float | None = None
    most: float | None = None

    def __str__(self) -> str:
        if self.least is None:
            return f"at most {self.most:g}"
        if self.most is None:
            return f"at least {self.least:g}"
        return f"{self.least:g} to {self.most:g}"

    def holds(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


@dataclass(frozen=True)
class Row:
    """One result. ``value`` is None where there is none, and ``unit`` then says why."""

    benchmark: str
    ours: str
    against: str
    value: float | None
    unit: str = ""
    wanted: Limit | None = None
    seconds: str = ""
    cpu_seconds: str = ""

    def cells(self) -> tuple[str, ...]:
        shown = self.unit if self.value is None else f"{_rounded(self.value)} {self.unit}".rstrip()
        missed = self.value is not None and self.wanted is not None and not self.wanted.holds(self.value)
        return (
            self.benchmark,
            self.ours,
            self.against,
            self.seconds,
            self.cpu_seconds,
            shown,
            str(self.wanted or ""),
            "missed" if missed else "",
        )


def _rounded(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def plain(rows: Iterable[Row]) -> str:
    cells = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "".join("  ".join(map(str.ljust, line, widths)).rstrip() + "\n" for line in cells)


def markdown(rows: Iterable[Row]) -> str:
    lines: list[Sequence[str]] = [HEADINGS, ["---"] * len(HEADINGS), *(row.cells() for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n".replace("  ", " ") for line in lines)
