"""Records and results as bytes for another process, or for a file that this one reads again."""

from __future__ import annotations

import pickle
from typing import Any


def dumps(value: Any) -> bytes:
    """A pickle of ``value``, to be read with ``pickle.loads``. Raises what cloudpickle raises."""
    try:
        return pickle.dumps(value, 5)
    except Exception:
        # Instances of classes that no module holds: slower, but they have nowhere else to go.
        from cloudpickle import dumps as dumps_by_value

        return dumps_by_value(value, 5)
