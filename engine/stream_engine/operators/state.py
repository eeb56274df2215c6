"""Keyed state: what functions keep from one record of a key to the next.

A function sees the state of the key whose record or window it has been called with. State is by value, as records
are: what a function puts in or gets out is a copy, so a change counts only when it is put back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from stream_engine.operators.keys import MISSING, InvalidKeyError, kept_key
from stream_engine.operators.ownership import own
from stream_engine.operators.snapshot import LEAVE_BEHIND, StateError
from stream_engine.operators.tables import MemoryTables

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState
    from stream_engine.operators.tables import Tables

# Why a function may keep no state.
SOURCE = "state is kept per key, and the records of a source have none yet"
UNKEYED = "state is kept per key, and the input of this function has none. Call key_by(selector) right before it"
WINDOWED_REDUCE = (
    "the reduce of a window is called ahead of the window's end, by several workers. Keep state in an apply() instead"
)

StateT = TypeVar("StateT", bound="State")


class KeyedStates:
    """All keyed state of one operator, in one subtask. ``key`` is the current key, set before each call.

    ``tables`` has a table for each name of a state, from key to value, list or dict. ``shared`` means that nothing is
    copied. ``unavailable`` tells why there can be no state; empty if there can.
    """

    def __init__(self, unavailable: str = "", tables: Callable[[], Tables] = MemoryTables) -> None:
        self.key: Any = MISSING
        self.tables: dict[str, Any] = {}
        self.shared = False
        self._unavailable = unavailable
        self._makes = tables
        self._kinds: dict[str, type[State]] = {}
        self._asked: set[str] = set()
        self._restored: set[str] = set()

    def state(self, kind: type[StateT], descriptor: Any, *needed: str) -> StateT:
        """The state that ``descriptor`` names, the same one for the same name.

        Raises TypeError for a descriptor without the ``needed`` attributes, ValueError for a name that has another kind
        of state already, RuntimeError if there are no keys, StateError if a state of another kind was restored.
        """
        if self._unavailable:
            raise RuntimeError(f"{kind.__name__} is not available here: {self._unavailable}")
        if not all(hasattr(descriptor, attribute) for attribute in ("name", *needed)):
            raise TypeError(f"{kind.__name__} is asked for with a {kind.__name__}Descriptor, not with {descriptor!r}")
        name = descriptor.name
        known = self._kinds.get(name, kind)
        if known is not kind and name in self._asked:
            raise ValueError(
                f"the state {name!r} of this function is a {known.__name__}, so it cannot be a "
                f"{kind.__name__} also: give one another name"
            )
        if known is not kind and self.tables[name]:
            raise StateError(
                f"there is state of a {known.__name__} named {name!r}, and the function asks for a {kind.__name__} "
                f"of that name: {LEAVE_BEHIND}"
            )
        self._asked.add(name)
        self._kinds[name] = kind
        if name not in self.tables or known is not kind:
            self.tables[name] = self._new_table(kind)
        return kind(self, self.tables[name], descriptor)

    def snapshot(self, snapshot: OperatorSnapshot) -> None:
        for name, table in self.tables.items():
            snapshot.keyed[f"{self._kinds[name].__name__} {name}"] = table

    def restore(self, state: RestoredState) -> None:
        """Restores the state, if there can be any."""
        for title in state.keyed:
            kind, _, name = title.partition(" ")
            if kind in _KINDS and not self._unavailable:
                self._restored.add(name)
                self._kinds[name] = _KINDS[kind]
                self.tables[name] = self._new_table(_KINDS[kind])
                self.tables[name].update(state.entries(title))

    def _new_table(self, kind: type[State]) -> Any:
        return getattr(self._makes(), kind.holds)()

    def check_asked(self) -> None:
        """Raises StateError if the function has asked for states, but for none of those that were restored."""
        if not self._asked or self._asked & self._restored:
            return
        unasked = sorted(name for name in self._restored if self.tables[name])
        if unasked:
            raise StateError(
                f"there is state named {', '.join(map(repr, unasked))}, and the function asks for "
                f"{', '.join(map(repr, sorted(self._asked)))} only: {LEAVE_BEHIND}"
            )


class State:
    """A view of one table, at the current key. ``holds`` is what the table has for a key."""

    holds = "values"

    def __init__(self, states: KeyedStates, table: Any, descriptor: Any) -> None:
        self._states = states
        self._table = table
        self._by_entry = type(table) is not dict
        self._name: str = descriptor.name
        self._own = _same if states.shared else own

    def clear(self) -> None:
        """Removes the state of the current key."""
        if self._kept() is not MISSING:
            del self._table[self._states.key]

    def _kept(self) -> Any:
        """What is kept for the current key, or MISSING."""
        return self._ask(self._table.get, MISSING)

    def _ask(self, look_up: Callable[..., Any], *rest: Any) -> Any:
        """What a look-up gives for the current key."""
        key = self._states.key
        if key is MISSING:
            raise RuntimeError(
                f"the state {self._name!r} has a value for each key, and there is no key now: use it where a function "
                "is called with a record or a window, not in open() or close()"
            )
        try:
            return look_up(key, *rest)
        except InvalidKeyError:
            raise
        except TypeError as error:
            raise InvalidKeyError(
                f"{key!r} cannot be a key ({error}): keys are compared by value and must not change, so return a tuple "
                "or a str"
            ) from error

    def _keep(self, content: Any) -> None:
        key = self._states.key
        self._table[kept_key(key) if self._kept() is MISSING else key] = content


class ValueState(State):
    """One value per key."""

    def __init__(self, states: KeyedStates, table: Any, descriptor: Any) -> None:
        super().__init__(states, table, descriptor)
        self._default = descriptor.default

    def value(self) -> Any:
        """The key's value; for a key without one the descriptor's default, or None."""
        kept = self._kept()
        return self._own(self._default if kept is MISSING else kept)

    def update(self, value: Any) -> None:
        """Gives the key a value. None removes its value, as in Flink."""
        if value is None:
            self.clear()
        else:
            self._keep(self._own(value))


class ListState(State):
    """A list per key."""

    holds = "lists"

    def get(self) -> list[Any]:
        """The key's list, empty for a key without one."""
        kept = self._kept()
        return [] if kept is MISSING else [self._own(value) for value in kept]

    def add(self, value: Any) -> None:
        if self._by_entry:
            self._table.append(self._ask(kept_key), self._own(value))
            return
        kept = self._kept()
        if kept is MISSING:
            self._keep([self._own(value)])
        else:
            kept.append(self._own(value))

    def add_all(self, values: Any) -> None:
        for value in values:
            self.add(value)

    def update(self, values: Any) -> None:
        """Replaces the key's list by one of ``values``."""
        values = [self._own(value) for value in values]
        if values:
            self._keep(values)
        else:
            self.clear()

    def clear(self) -> None:
        if self._by_entry:
            self._ask(self._table.discard)
        else:
            super().clear()

    addAll = add_all


class MapState(State):
    """A dict per key of the stream; the keys of the dict are called fields here."""

    holds = "maps"

    def get(self, field: Any) -> Any:
        """The value of ``field``, or None."""
        return self._own(self._fields().get(field))

    def put(self, field: Any, value: Any) -> None:
        fields = self._fields()
        if not (self._by_entry or fields):
            self._keep(fields)
        fields[self._own(field)] = self._own(value)

    def put_all(self, fields: Any) -> None:
        """Puts all of a dict's fields."""
        for field, value in fields.items():
            self.put(field, value)

    def contains(self, field: Any) -> bool:
        return field in self._fields()

    def remove(self, field: Any) -> None:
        """Removes ``field``, if it is there."""
        fields = self._fields()
        fields.pop(field, None)
        if not (self._by_entry or fields):
            self.clear()

    def clear(self) -> None:
        if self._by_entry:
            self._fields().clear()
        else:
            super().clear()

    def keys(self) -> list[Any]:
        return [self._own(field) for field in self._fields()]

    def values(self) -> list[Any]:
        return [self._own(value) for value in self._fields().values()]

    def items(self) -> list[tuple[Any, Any]]:
        return [(self._own(field), self._own(value)) for field, value in self._fields().items()]

    def is_empty(self) -> bool:
        return not self._fields()

    putAll = put_all
    entries = items
    isEmpty = is_empty

    def _fields(self) -> Any:
        """The fields of the current key; those of a key that had none are kept with ``_keep``."""
        return self._ask(self._table.fields) if self._by_entry else self._ask(self._table.get, {})


class ReducingState(State):
    """One value per key; each added value is reduced with it."""

    def __init__(self, states: KeyedStates, table: Any, descriptor: Any) -> None:
        super().__init__(states, table, descriptor)
        function = descriptor.reduce_function
        self._reduce = getattr(function, "reduce", function)

    def get(self) -> Any:
        """The key's value, or None."""
        kept = self._kept()
        return None if kept is MISSING else self._own(kept)

    def add(self, value: Any) -> None:
        kept = self._kept()
        # The function may change and return its first argument: the result replaces it.
        self._keep(self._own(value if kept is MISSING else self._reduce(kept, value)))


class AggregatingState(State):
    """An accumulator per key; each value is added to it."""

    def __init__(self, states: KeyedStates, table: Any, descriptor: Any) -> None:
        super().__init__(states, table, descriptor)
        function = descriptor.aggregate_function
        self._create = _method_of(function, "createAccumulator", "create_accumulator")
        self._add = _method_of(function, "add", "add")
        self._result = _method_of(function, "getResult", "get_result")

    def get(self) -> Any:
        """The result of what was added for the key; None if nothing was."""
        kept = self._kept()
        return None if kept is MISSING else self._own(self._result(kept))

    def add(self, value: Any) -> None:
        kept = self._kept()
        # The function may change and return the accumulator: the result replaces it.
        self._keep(self._own(self._add(value, self._create() if kept is MISSING else kept)))


_KINDS: dict[str, type[State]] = {
    kind.__name__: kind for kind in (ValueState, ListState, MapState, ReducingState, AggregatingState)
}


def _method_of(function: Any, *names: str) -> Any:
    for name in names:
        if hasattr(function, name):
            return getattr(function, name)
    raise TypeError(f"{type(function).__name__} has no method {names[0]}(), which an AggregateFunction needs")


def _same(value: Any) -> Any:
    return value
