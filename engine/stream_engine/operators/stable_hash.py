"""A hash of keys that is the same in all processes, whatever their hash seeds and wherever they run.

Equal keys have equal hashes, also where they are of different types, as 1 and 1.0.
"""

from __future__ import annotations

import sys
from datetime import date, datetime, time
from types import FunctionType, ModuleType
from typing import Any
from zlib import crc32

from stream_engine.operators.keys import InvalidKeyError

_NONE, _ELLIPSIS, _TUPLE, _SET = 0x4E6F6E65, 0x2E2E2E, 0x345678, 0x736574
_MASK = (1 << 61) - 1
# What holds nothing else.
_PLAIN = (str, int, float, bool, bytes)
# From here on the hash of None is no address.
_NONE_HAS_A_HASH = sys.version_info >= (3, 12)


def stable_hash(key: Any) -> int:
    """At least 0. Of classes with a ``__hash__`` of their own it is that one, which has to be stable itself.

    Raises TypeError for what has no hash, and InvalidKeyError for an object whose own hash would differ elsewhere.
    """
    kind = type(key)
    if kind is str:
        return crc32(key.encode("utf-8", "surrogatepass"))
    if kind is int:
        return hash(key) & _MASK
    if key is None:
        return _NONE
    if key is ...:
        return _ELLIPSIS
    return _other(key, kind)


def _other(key: Any, kind: type) -> int:
    known = kind.__hash__
    # numpy's strings are equal to Python's, and have methods of their own for it.
    of_numpy = kind.__module__ == "numpy"
    if isinstance(key, str) and (known is str.__hash__ or of_numpy):
        return crc32(str(key).encode("utf-8", "surrogatepass"))
    if isinstance(key, bytes | memoryview) and (known in (bytes.__hash__, memoryview.__hash__) or of_numpy):
        return crc32(key)
    if isinstance(key, tuple) and known is tuple.__hash__:
        return _combined(key)
    if isinstance(key, frozenset) and known is frozenset.__hash__:
        hash(key)
        return (_SET + sum(_mixed(stable_hash(item)) for item in key)) & _MASK
    if isinstance(key, date | time):
        return _of_time(key)
    values = _fields(key, kind)
    if values is not None:
        return _combined(values)
    value = hash(key)
    if not _NONE_HAS_A_HASH and _holds_none(key):
        raise InvalidKeyError(
            f"{kind.__name__} cannot be a key with None in it before Python 3.12, where the hash of None is another "
            "one in each process: key by a tuple of its fields"
        )
    return value & _MASK


def _mixed(value: int) -> int:
    return (value ^ (value >> 29)) * 0x9E3779B97F4A7C15 & _MASK


def _combined(values: Any) -> int:
    combined = _TUPLE
    for value in values:
        combined = _mixed(combined + stable_hash(value))
    return combined


def _fields(key: Any, kind: type) -> list[Any] | None:
    """What Python itself makes the hash of a key of, where that is known."""
    enum = sys.modules.get("enum")
    if enum is not None and isinstance(key, enum.Enum) and kind.__hash__ is enum.Enum.__hash__:
        return [key.name]
    paths = sys.modules.get("pathlib")
    if paths is not None and isinstance(key, paths.PurePath):
        return [str(key)]
    if hasattr(kind, "__dataclass_fields__"):
        # Its own __hash__, if it has one, is in a file.
        code = getattr(kind.__hash__, "__code__", None)
        wrapped = getattr(kind.__hash__, "__wrapped__", None)
        code = getattr(wrapped, "__code__", code)
        if code is not None and code.co_filename == "<string>":
            fields = kind.__dataclass_fields__.values()  # pyright: ignore[reportAttributeAccessIssue]
            return [
                getattr(key, field.name)
                for field in fields
                if field._field_type.name == "_FIELD" and (field.compare if field.hash is None else field.hash)
            ]
    return None


def _of_time(key: Any) -> int:
    """Those with a zone are equal when they are the same moment."""
    if isinstance(key, date) and not isinstance(key, datetime):
        return key.toordinal()
    offset = key.replace(fold=0).utcoffset()
    if isinstance(key, datetime):
        moment = key.replace(tzinfo=None, fold=0)
        return crc32((moment if offset is None else moment - offset).isoformat().encode())
    seconds = key.hour * 3600 + key.minute * 60 + key.second
    return hash((seconds - (0 if offset is None else offset.total_seconds())) * 1_000_000 + key.microsecond) & _MASK


def _holds_none(key: Any) -> bool:
    """Whether there is None anywhere in ``key``, whose own hash may look there: in attributes, slots and collections.

    The value of an Enum's member has nothing to do with its hash.
    """
    # Only a few keys are looked at.
    from enum import Enum

    left, seen = [key], {id(key): key}
    while left:
        value = left.pop()
        kind = type(value)
        if isinstance(value, tuple | list | set | frozenset):
            inside = [*value]
        elif isinstance(value, dict):
            inside = [*value, *value.values()]
        else:
            inside = []
        if isinstance(value, type | ModuleType | FunctionType) or kind.__hash__ is Enum.__hash__:
            continue
        inside += getattr(value, "__dict__", {}).values()
        inside += [getattr(value, name, 0) for base in kind.__mro__ for name in _slots(base)]
        for each in inside:
            if each is None:
                return True
            if type(each) not in _PLAIN and id(each) not in seen:
                seen[id(each)] = each
                left.append(each)
    return False


def _slots(base: type) -> tuple[str, ...]:
    slots = base.__dict__.get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else slots
    own = f"_{base.__name__.lstrip('_')}"
    return tuple(f"{own}{name}" if name.startswith("__") else name for name in names if not name.endswith("__"))


class StableTargets(dict[Any, int]):
    """The subtask of ``width`` for each key, remembered for keys that come again."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self._width = width

    def __missing__(self, key: Any) -> int:
        if len(self) >= 65_536:
            # Many of them do not come again; generated code holds on to this very dict.
            self.clear()
        target = stable_hash(key) % self._width
        self[key] = target
        return target
