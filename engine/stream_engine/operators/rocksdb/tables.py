"""Makes the tables of one worker that keeps its state on disk."""

from __future__ import annotations

from stream_engine.operators.rocksdb.database import Database
from stream_engine.operators.rocksdb.lists import RocksDbLists
from stream_engine.operators.rocksdb.maps import RocksDbMaps
from stream_engine.operators.rocksdb.values import RocksDbValues


class RocksDbTables(Database):
    """See Database. Making a table raises ImportError when rocksdict is not installed."""

    by_entry = True

    def values(self) -> RocksDbValues:
        return self.add(RocksDbValues(self, self.next_number()))

    def lists(self) -> RocksDbLists:
        return self.add(RocksDbLists(self, self.next_number()))

    def maps(self) -> RocksDbMaps:
        return self.add(RocksDbMaps(self, self.next_number()))
