"""The names of part files."""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = re.compile(r"(\.?)part-([1-9][0-9]*)-(0|[1-9][0-9]*)")


class Part(NamedTuple):
    """Part ``number`` of the writer with the index ``writer``, both from 0."""

    writer: int
    number: int
    hidden: bool

    @property
    def name(self) -> str:
        return f"{'.' if self.hidden else ''}part-{self.writer + 1}-{self.number}"

    def shown(self) -> Part:
        return self._replace(hidden=False)


def part_of(name: str) -> Part | None:
    """What a file of this name is; None for what is none of ours."""
    match = _NAME.fullmatch(name)
    return Part(int(match[2]) - 1, int(match[3]), bool(match[1])) if match else None
