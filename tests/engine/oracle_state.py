"""The keyed state that a rich function asks for: a dict per state, from key to value."""

from __future__ import annotations

from copy import deepcopy
from typing import Any


class Context:
    """A runtime context; ``key`` is the current key."""

    def __init__(self) -> None:
        self.key: Any = None
        self._tables: dict[str, dict[Any, Any]] = {}

    @classmethod
    def of(cls, function: Any) -> Context | None:
        """The context that a rich function has been opened with; None for a plain function."""
        if not hasattr(function, "setRuntimeContext"):
            return None
        context = cls()
        function.setRuntimeContext(context)
        function.open(None)
        return context

    def get_state(self, descriptor: Any) -> _Value:
        return _Value(self, self._tables.setdefault(descriptor.name, {}), descriptor.default)


class _Value:
    def __init__(self, context: Context, table: dict[Any, Any], default: Any) -> None:
        self._context = context
        self._table = table
        self._default = default

    def value(self) -> Any:
        return deepcopy(self._table.get(self._context.key, self._default))

    def update(self, value: Any) -> None:
        self._table[self._context.key] = deepcopy(value)
