"""Records and results as bytes for another process, or for a file that this one reads again."""

from __future__ import annotations

import pickle
from functools import cache
from io import BytesIO
from types import ModuleType
from typing import Any


def dumps(value: Any) -> bytes:
    """A pickle of ``value``, to be read with ``pickle.loads``. Raises what cloudpickle raises."""
    try:
        return pickle.dumps(value, 5)
    except Exception:
        # Instances of classes that no module holds: slower, but they have nowhere else to go.
        buffer = BytesIO()
        by_value_pickler()(buffer, 5).dump(value)
        return buffer.getvalue()


@cache
def by_value_pickler() -> Any:
    """Cloudpickle's, but modules go by name whatever their class is: one that loads lazily, say, has its own."""
    from cloudpickle import Pickler

    class ModulePickler(Pickler):
        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, ModuleType):
                return Pickler.dispatch_table[ModuleType](obj)
            return super().reducer_override(obj)

    return ModulePickler
