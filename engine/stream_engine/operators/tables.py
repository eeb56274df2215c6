"""Tables of keyed state: dicts, or tables on disk that are used like dicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


class Entries(Protocol):
    """Keys with their values."""

    def items(self) -> Iterable[tuple[Any, Any]]: ...

    def values(self) -> Iterable[Any]: ...


class Table(Entries, Protocol):
    """A dict, or a table that is used like one. A table that is no dict returns copies: put them back when they change.

    Lists on disk cannot be put back; they have ``append(key, element)``.
    """

    def get(self, key: Any, default: Any = None, /) -> Any: ...

    def __getitem__(self, key: Any, /) -> Any: ...

    def __setitem__(self, key: Any, value: Any, /) -> None: ...

    def __delitem__(self, key: Any, /) -> None: ...

    def __contains__(self, key: Any, /) -> bool: ...

    def __len__(self) -> int: ...

    def update(self, items: Iterable[tuple[Any, Any]], /) -> None: ...


class Tables(Protocol):
    """Makes empty tables for one worker; if ``on_disk``, they are no dicts."""

    on_disk: bool

    def values(self) -> Any:
        """A Table with a value for each key."""
        ...

    def lists(self) -> Any:
        """A Table with a list for each key."""
        ...


class MemoryTables:
    on_disk = False
    values = lists = dict


class Merged:
    """Several tables as one: if a key is in more than one of them, ``combine`` makes one value of its values."""

    def __init__(self, tables: Sequence[Table], combine: Callable[[list[Any]], Any]) -> None:
        self._tables = tables
        self._combine = combine

    def items(self) -> Iterator[tuple[Any, Any]]:
        for number, table in enumerate(self._tables):
            for key, value in table.items():
                if not any(key in earlier for earlier in self._tables[:number]):
                    later = [each[key] for each in self._tables[number + 1 :] if key in each]
                    yield key, self._combine([value, *later])

    def values(self) -> Iterator[Any]:
        return (value for _, value in self.items())


def forget(table: Table) -> None:
    """Nobody uses the table any more."""
    drop = getattr(table, "drop", None)
    if drop is not None:
        drop()
