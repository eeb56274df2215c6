"""Tables of keyed state: dicts, or tables on disk that are used like dicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from stream_engine.operators.keys import MISSING
from stream_engine.operators.ownership import own

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


class Entries(Protocol):
    """Keys with their values."""

    def items(self) -> Iterable[tuple[Any, Any]]: ...

    def values(self) -> Iterable[Any]: ...


class Table(Entries, Protocol):
    """A dict, or what is used like one. What changes in an entry of one that is no dict is to be put back.

    A key is looked up before it is put in for the first time.
    """

    def get(self, key: Any, default: Any = None, /) -> Any: ...

    def __getitem__(self, key: Any, /) -> Any: ...

    def __setitem__(self, key: Any, value: Any, /) -> None: ...

    def __delitem__(self, key: Any, /) -> None: ...

    def __contains__(self, key: Any, /) -> bool: ...

    def __len__(self) -> int: ...

    def update(self, items: Iterable[tuple[Any, Any]], /) -> None: ...


class Tables(Protocol):
    """Makes the tables of one worker, empty ones. They are dicts, or else lists and maps are kept ``by_entry``.

    Those have methods for the entries of a key: ``append(key, element)``, and ``fields(key)``, which is like a dict.
    Their ``items`` are copies.
    """

    by_entry: bool

    def values(self) -> Any:
        """A Table with a value for each key."""
        ...

    def lists(self) -> Any:
        """A table with a list for each key."""
        ...

    def maps(self) -> Any:
        """A table with a map for each key."""
        ...

    def trim(self) -> None:
        """Called now and then, between two records: keeps to the memory that there is for tables."""
        ...


class MemoryTables:
    by_entry = False
    values = lists = maps = dict

    def trim(self) -> None:
        """They take what they need."""


class Merged:
    """Several tables as one: if a key is in more than one of them, ``combine`` makes one value of its values."""

    def __init__(self, tables: Sequence[Table], combine: Callable[[list[Any]], Any]) -> None:
        self._tables = tables
        self._combine = combine

    def items(self) -> Iterator[tuple[Any, Any]]:
        for number, table in enumerate(self._tables):
            for key, value in table.items():
                if any(each.get(key, MISSING) is not MISSING for each in self._tables[:number]):
                    continue
                later = (each.get(key, MISSING) for each in self._tables[number + 1 :])
                yield key, self._combine([value, *(own(each) for each in later if each is not MISSING)])

    def values(self) -> Iterator[Any]:
        return (value for _, value in self.items())


def forget(table: Table) -> None:
    """Nobody uses the table any more."""
    drop = getattr(table, "drop", None)
    if drop is not None:
        drop()
