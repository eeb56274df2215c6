from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from listed import ListHost

from stream_engine.operators.changes import ChangedTables
from stream_engine.operators.rocksdb.tables import RocksDbTables

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", params=["hashmap", "changes", "rocksdb"])
def each_backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hosts keep keyed state in memory, then with its changes, then on disk."""
    if request.param == "hashmap":
        yield
        return
    if request.param == "changes":
        ListHost.tables = ChangedTables()
        yield
        ListHost.tables = None
        return
    pytest.importorskip("rocksdict")
    tables = ListHost.tables = RocksDbTables(str(tmp_path_factory.mktemp("rocksdb")), 1 << 20)
    yield
    ListHost.tables = None
    tables.close()
