"""What all tables of a database have in common, whatever they keep for a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.operators.rocksdb.entries import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocksdict import RdictIter

    from stream_engine.operators.rocksdb.database import Database
    from stream_engine.operators.rocksdb.snapshot import DatabaseSnapshot


class PrefixedTable:
    """A table whose entries are in a database, at places that begin with its prefix."""

    _database: Database
    _prefix: bytes

    def snapshot(self) -> DatabaseSnapshot:
        """All tables of the database as they are now."""
        return self._database.snapshot()

    def view(self) -> RdictIter:
        """All tables of the database as they are now, for ``stored``."""
        self._database.flush()
        return self._database.view()

    def stored(self, view: RdictIter) -> Iterator[tuple[bytes, bytes]]:
        """What ``entries`` makes keys and values of."""
        return ((place[TABLE:], data) for place, data in self._database.scan(self._prefix, view))
