"""Tables in memory that know what has changed since the last checkpoint, so that it has only that to keep."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from stream_engine.operators.keys import MISSING, kept_key
from stream_engine.operators.ownership import own

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Changes(NamedTuple):
    """What a table has changed, or all that it has. What is ``gone`` comes before what was ``put`` in.

    Of values, keys with values, and keys; of lists, keys with elements to be added, and keys; of maps, keys with some
    fields and their values, and keys with fields.
    """

    put: dict[Any, Any]
    gone: Any


class ChangedTables:
    """Makes tables that can tell their changes."""

    by_entry = True

    def __init__(self) -> None:
        self._numbers = count()

    def values(self) -> ChangedValues:
        return ChangedValues(next(self._numbers))

    def lists(self) -> ChangedLists:
        return ChangedLists(next(self._numbers))

    def maps(self) -> ChangedMaps:
        return ChangedMaps(next(self._numbers))

    def trim(self) -> None:
        """They take what they need."""


class ChangedValues(dict[Any, Any]):
    """The dict itself has what was looked up by ``[key]`` or put in since the changes were last taken."""

    holds = "values"

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self._base: dict[Any, Any] = {}
        self._gone: set[Any] = set()

    def __missing__(self, key: Any) -> Any:
        if key in self._gone:
            raise KeyError(key)
        value = self[key] = self._base[key]
        return value

    def get(self, key: Any, default: Any = None, /) -> Any:
        value = dict.get(self, key, MISSING)
        if value is not MISSING:
            return value
        return default if key in self._gone else self._base.get(key, default)

    def __contains__(self, key: Any, /) -> bool:
        return self.get(key, MISSING) is not MISSING

    def __delitem__(self, key: Any, /) -> None:
        if self.get(key, MISSING) is MISSING:
            raise KeyError(key)
        dict.pop(self, key, None)
        if key in self._base:
            self._gone.add(key)

    def update(self, items: Iterable[tuple[Any, Any]], /) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        for key, value in items:
            self[key] = value

    def items(self) -> Iterator[tuple[Any, Any]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Copies, as of now, whatever is changed meanwhile."""
        return ((key, own(value)) for key, value in self.whole().items())

    def values(self) -> Iterator[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return (value for _, value in self.items())

    def __len__(self) -> int:
        return len(self.whole())

    def __bool__(self) -> bool:
        return dict.__len__(self) > 0 or len(self._base) > len(self._gone)

    def whole(self) -> dict[Any, Any]:
        """All that there is, itself."""
        merged = {key: value for key, value in self._base.items() if key not in self._gone}
        merged.update(dict.items(self))
        return merged

    def changes(self) -> Changes:
        return Changes(dict(dict.items(self)), [*self._gone])

    def settle(self) -> dict[Any, Any]:
        """The changes have been taken. All that there is, itself."""
        for key in self._gone:
            del self._base[key]
        self._base.update(dict.items(self))
        self._gone.clear()
        self.clear()
        return self._base


class ChangedLists:
    """What is added is kept apart until the changes are taken. What it gives out is not to be changed."""

    holds = "lists"

    def __init__(self, number: int) -> None:
        self.number = number
        self._base: dict[Any, list[Any]] = {}
        self._new: dict[Any, list[Any]] = {}
        self._replaced: set[Any] = set()

    def append(self, key: Any, element: Any) -> None:
        new = self._new.get(key)
        if new is None:
            self._new[key] = [element]
        else:
            new.append(element)

    def get(self, key: Any, default: Any = None, /) -> Any:
        base = () if key in self._replaced else self._base.get(key, ())
        return [*base, *self._new.get(key, ())] or default

    def __setitem__(self, key: Any, elements: Iterable[Any], /) -> None:
        self.discard(key)
        if elements := list(elements):
            self._new[key] = elements

    def discard(self, key: Any) -> None:
        """Deletes the list of the key, if there is one."""
        self._new.pop(key, None)
        if key in self._base:
            self._replaced.add(key)

    def update(self, items: Iterable[tuple[Any, Iterable[Any]]], /) -> None:
        for key, elements in items:
            for element in elements:
                self.append(key, element)

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Copies, as of now, whatever is changed meanwhile."""
        return ((key, own(elements)) for key, elements in self.whole().items())

    def values(self) -> Iterator[Any]:
        return (value for _, value in self.items())

    def __len__(self) -> int:
        """How many keys there are."""
        return len(self.whole())

    def __bool__(self) -> bool:
        return bool(self._new) or len(self._base) > len(self._replaced)

    def whole(self) -> dict[Any, list[Any]]:
        """All that there is, itself."""
        return {key: self.get(key) for key in {**self._base, **self._new} if self.get(key)}

    def changes(self) -> Changes:
        return Changes(dict(self._new), [*self._replaced])

    def settle(self) -> dict[Any, list[Any]]:
        """The changes have been taken. All that there is, itself."""
        for key in self._replaced:
            del self._base[key]
        for key, elements in self._new.items():
            if key in self._base:
                self._base[key] += elements
            else:
                self._base[key] = elements
        self._replaced.clear()
        self._new.clear()
        return self._base


class _Fields(dict[Any, Any]):
    """The map of one key; it knows which of its fields were put in, and which were taken out before that."""

    __slots__ = ("gone", "put")

    def __init__(self, *values: Any) -> None:
        super().__init__(*values)
        self.put: set[Any] = set()
        self.gone: set[Any] = set()

    def __setitem__(self, field: Any, value: Any) -> None:
        dict.__setitem__(self, field, value)
        self.put.add(field)

    def pop(self, field: Any, default: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        value = dict.pop(self, field, MISSING)
        if value is MISSING:
            return default
        self.gone.add(field)
        return value

    def clear(self) -> None:
        self.gone.update(self)
        super().clear()

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


class ChangedMaps:
    """What is changed in the fields of a key is known, too."""

    holds = "maps"

    def __init__(self, number: int) -> None:
        self.number = number
        self._base: dict[Any, _Fields] = {}
        # Those that were asked for since the changes were last taken.
        self._asked: dict[Any, _Fields] = {}

    def fields(self, key: Any) -> _Fields:
        """The map of a key, which it is until the key's map is asked for again."""
        fields = self._asked.get(key)
        if fields is None:
            fields = self._base.get(key)
            if fields is None:
                key = kept_key(key)
                fields = self._base[key] = _Fields()
            self._asked[key] = fields
        return fields

    def discard(self, key: Any) -> None:
        """Deletes the map of the key, if there is one."""
        self.fields(key).clear()

    def update(self, items: Iterable[tuple[Any, dict[Any, Any]]], /) -> None:
        for key, values in items:
            fields = self.fields(key)
            for field, value in values.items():
                fields[field] = value

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Copies, as of now, whatever is changed meanwhile."""
        return ((key, own(fields)) for key, fields in self.whole().items())

    def values(self) -> Iterator[Any]:
        return (value for _, value in self.items())

    def __len__(self) -> int:
        """How many keys there are."""
        return sum(map(bool, self._base.values()))

    def __bool__(self) -> bool:
        return any(self._base.values())

    def whole(self) -> dict[Any, dict[Any, Any]]:
        """All that there is, itself."""
        return {key: dict(fields) for key, fields in self._base.items() if fields}

    def changes(self) -> Changes:
        put = {
            key: {field: value for field, value in each.items() if field in each.put}
            for key, each in self._asked.items()
            if each.put
        }
        return Changes(put, {key: [*each.gone] for key, each in self._asked.items() if each.gone})

    def settle(self) -> dict[Any, Any]:
        """The changes have been taken. All that there is, itself."""
        for key, fields in self._asked.items():
            fields.put.clear()
            fields.gone.clear()
            if not fields:
                del self._base[key]
        self._asked.clear()
        return self._base


def apply_changes(holds: str, changes: Changes, table: dict[Any, Any]) -> None:
    """Changes a table that is a dict, and that had what the other table had when its changes were taken before."""
    if holds == "maps":
        for key, fields in changes.gone.items():
            of_key = table.get(key, {})
            for field in fields:
                of_key.pop(field, None)
        for key, fields in changes.put.items():
            table.setdefault(key, {}).update(fields)
        for key in changes.gone:
            if not table.get(key, True):
                del table[key]
        return
    for key in changes.gone:
        del table[key]
    if holds == "values":
        table.update(changes.put)
    else:
        for key, elements in changes.put.items():
            table.setdefault(key, []).extend(elements)
