"""How the command line is divided: the launcher's arguments, the script's, and the format of a plan between them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stream_engine.graph.render import FORMATS

if TYPE_CHECKING:
    from collections.abc import Sequence

SEPARATOR = "-"
EXPLAIN = "--explain"


def split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """The launcher's own arguments, and those of the script, which follow the first bare ``-``."""
    args = list(args)
    end = args.index(SEPARATOR) if SEPARATOR in args else len(args)
    return args[:end], args[end + 1 :]


def with_explicit_formats(args: Sequence[str]) -> list[str]:
    """The arguments with a format for each bare --explain: with an optional value, click would take the script.

    The next word is its format if it is called like one and is no file or directory.
    """
    explicit: list[str] = []
    for arg in args:
        if explicit and explicit[-1] == EXPLAIN:
            is_format = arg in FORMATS and not os.path.exists(arg)
            explicit[-1] = f"{EXPLAIN}={arg if is_format else FORMATS[0]}"
            if is_format:
                continue
        explicit.append(arg)
    if explicit and explicit[-1] == EXPLAIN:
        explicit[-1] = f"{EXPLAIN}={FORMATS[0]}"
    return explicit
