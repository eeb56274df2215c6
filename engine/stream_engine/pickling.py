"""Pickles of records and results, for other processes and for files."""

from __future__ import annotations

import pickle
from functools import cache
from io import BytesIO
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOGETHER = 1000


def dumps(value: Any) -> bytes:
    """A pickle of ``value``, to be read with ``pickle.loads``. Raises what cloudpickle raises."""
    try:
        return pickle.dumps(value, 5)
    except Exception:
        # Instances of classes that are in no module: slower, but nothing else can pickle them.
        buffer = BytesIO()
        by_value_pickler()(buffer, 5).dump(value)
        return buffer.getvalue()


def in_parts(table: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
    """The entries of a table, some at a time; an empty table is one part.

    A pickle knows all that is in it by its address, to say what comes once more: of many entries that is more than the
    caches of a processor hold.
    """
    entries = iter(table.items())
    yield dict(islice(entries, _TOGETHER))
    while few := dict(islice(entries, _TOGETHER)):
        yield few


@cache
def by_value_pickler() -> Any:
    """Cloudpickle's pickler, but modules go by name even if they have a class of their own, as lazy ones do."""
    from cloudpickle import Pickler

    class ModulePickler(Pickler):
        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, ModuleType):
                return Pickler.dispatch_table[ModuleType](obj)
            return super().reducer_override(obj)

    return ModulePickler
