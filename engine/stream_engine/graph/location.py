"""Where in the user's own code an operator was made."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

_ENGINE_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Location(NamedTuple):
    """A line of a file, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def caller_location() -> Location | None:
    """The innermost line on the calling stack that is not the engine's own."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_ENGINE_ROOT):
            return Location(file, frame.f_lineno)
        frame = frame.f_back
    return None
