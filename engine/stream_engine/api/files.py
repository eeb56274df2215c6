"""Where files are, and what happens to those that exist."""

from __future__ import annotations

import os
from enum import Enum
from typing import Any

from stream_engine.api.capture.snapshot import refuse


class WriteMode(Enum):
    """What ``write_as_text`` does with a path that exists: refuse it, or replace it."""

    NO_OVERWRITE = "NO_OVERWRITE"
    OVERWRITE = "OVERWRITE"


def location_of(path: Any) -> str:
    """The path as workers find it: absolute, whatever directory the script changes to later. A URL stays as it is."""
    if not isinstance(path, str | os.PathLike):
        refuse(f"A path is a str or a pathlib.Path, not {path!r}.")
    text = os.fspath(path)
    if not isinstance(text, str) or not text:
        refuse(f"A path is a str that is not empty, not {text!r}.")
    return text if "://" in text or text.startswith("file:") else os.path.abspath(os.path.expanduser(text))
