"""What the text of a Flink exception carries: all that its client gets of a job that has failed."""

from __future__ import annotations

import pickle
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING
from zlib import compress, decompress

if TYPE_CHECKING:
    from stream_engine.failures.failure import Failure

_FAILURE = "\x01pyflink-stream failure "
_REPORT = "\x01pyflink-stream report "
_END = "\x01"
_FINAL, _FINAL_END = "[[pyflink-stream: ", "]]"


def failure_text(failure: bytes) -> str:
    """The text of an exception with this pickled failure of a subtask."""
    return f"{_FAILURE}{b64encode(failure).decode()}{_END}"


def failure_in(text: str) -> Failure | None:
    """The failure in the text of an exception; None when it has none."""
    encoded = _between(text, _FAILURE, _END)
    return pickle.loads(b64decode(encoded)) if encoded else None


def report_text(report: bytes) -> str:
    """What to add to the text for the last report of a subtask, an element."""
    return f"{_REPORT}{b64encode(compress(report)).decode()}{_END}"


def last_reports_in(text: str) -> list[bytes]:
    """The last report of the subtask that failed, if the text has one."""
    encoded = _between(text, _REPORT, _END)
    return [decompress(b64decode(encoded))] if encoded else []


def final_text(text: str) -> str:
    """The text of an exception that would come again after a restart, which is no failure of a subtask."""
    return f"{_FINAL}{text}{_FINAL_END}"


def final_text_in(text: str) -> str:
    """What ``final_text`` was given; empty when there is none."""
    return _between(text, _FINAL, _FINAL_END)


def _between(text: str, begin: str, end: str) -> str:
    _, _, rest = text.partition(begin)
    found, ended, _ = rest.partition(end)
    return found if ended else ""
