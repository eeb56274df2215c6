"""A number that generated code can raise at the least cost."""

from __future__ import annotations


class Count:
    """How many records have passed somewhere."""

    __slots__ = ("records",)

    def __init__(self) -> None:
        self.records = 0
