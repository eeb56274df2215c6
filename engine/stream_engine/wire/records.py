"""Records on their way between processes: a list of them as bytes, and back."""

from __future__ import annotations

import marshal
import pickle
from typing import Any

from stream_engine.pickling import dumps
from stream_engine.report import shortened

# Every pickle begins so, and no list that marshal has written.
_PICKLE = 0x80


def pack(records: list[Any], plain: bool = False) -> bytes:
    """Records as the payload of a frame. Raises TypeError, which names the first that cannot be pickled.

    ``plain`` records, see Plainness, take half the time.
    """
    if plain:
        return marshal.dumps(records)
    try:
        return dumps(records)
    except Exception as error:
        raise _unsendable(records, error) from error


def unpack(payload: bytes) -> list[Any]:
    """The records of a frame."""
    return pickle.loads(payload) if payload[0] == _PICKLE else marshal.loads(payload)


def _unsendable(records: list[Any], error: Exception) -> TypeError:
    for record in records:
        try:
            dumps(record)
        except Exception:
            return TypeError(
                f"a record cannot be sent to another worker, as it cannot be pickled: {shortened(record)} ({error})"
            )
    return TypeError(f"records cannot be sent to another worker: {error}")
