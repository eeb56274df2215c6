"""Tables on disk: what is in memory of them, and what is not; test_kinds_of_tables.py has what all tables do."""

from __future__ import annotations

import pickle
from math import inf
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("rocksdict")

from stream_engine.operators.rocksdb.tables import RocksDbTables
from stream_engine.operators.sizes import size_of
from stream_engine.operators.tables import Merged, forget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RocksDbTables]:
    tables = RocksDbTables(str(tmp_path_factory.mktemp("rocksdb")), 1 << 20)
    yield tables
    tables.close()


@pytest.mark.parametrize("stored", [False, True])
def test_the_entries_that_a_table_gives_out_are_copies(tables: RocksDbTables, stored: bool) -> None:
    values, lists, maps = tables.values(), tables.lists(), tables.maps()
    values.update([("a", [1])])
    lists.update([("a", [[1]])])
    maps.update([("a", {1: [1]})])
    if stored:
        tables.flush()
    for table in (values, lists, maps):
        before = repr(dict(table.items()))
        for entry in table.values():
            (entry[1] if table is maps else entry if table is values else entry[0]).append(2)
        assert repr(dict(table.items())) == before


def test_a_key_in_use_is_in_memory_as_the_object_that_was_put_in(tables: RocksDbTables) -> None:
    table = tables.values()
    table.update([("a", kept := [1])])
    assert table["a"] is kept
    tables.flush()
    assert table["a"] is kept
    table["a"].append(2)
    table["a"] = table["a"]
    tables.flush()
    table.shrink(1)
    assert table["a"] == [1, 2]
    assert table["a"] is not kept


def test_a_field_is_written_and_read_without_the_others_of_its_map(tables: RocksDbTables) -> None:
    class Counted:
        read = written = 0

        def __getstate__(self) -> dict[str, int]:
            Counted.written += 1
            return {}

        def __setstate__(self, _: dict[str, int]) -> None:
            Counted.read += 1

    table = tables.maps()
    globals()["Counted"], Counted.__qualname__ = Counted, "Counted"
    for number in range(100):
        table.fields("a")[number] = Counted()
    tables.flush()
    table.shrink(1000)
    assert Counted.written == 100
    table.fields("a")[7] = Counted()
    assert 8 in table.fields("a")
    tables.flush()
    # The field's old value is read to know its place among the others.
    assert (Counted.written, Counted.read) == (101, 2)


@pytest.mark.parametrize("kind", ["values", "lists", "maps"])
def test_entries_take_no_more_memory_than_they_may(tmp_path: Path, kind: str) -> None:
    """However they come in: as new keys, or as values that grow."""
    tables = RocksDbTables(str(tmp_path / "database"), 8 << 20)
    table: Any = getattr(tables, kind)()
    for number in range(20_000):
        key = f"{number % 10_000:08}"
        if kind == "values":
            table[key] = table.get(key, "") + "x" * 1000
        elif kind == "lists":
            table.append(key, "x" * 1000)
        else:
            table.fields(key)[number] = "x" * 1000
        assert sum(map(size_of, in_memory(table))) < 7 << 20
    assert sum(len(str(entry)) for entry in table.values()) >= 20_000_000
    tables.close()


def in_memory(table: Any) -> list[Any]:
    """What there is to be measured, now and then."""
    if isinstance(table, dict):
        clean: dict[Any, Any] = getattr(table, "_clean", {})
        return [dict(dict.items(table)), clean] if len(clean) % 100 == 0 else []
    cached: Any = getattr(table, "_cached", {})
    if len(cached) % 100:
        return []
    return [[(each.new, each.old) if hasattr(table, "append") else each.known for each in cached.values()]]


def test_values_that_grow_in_memory_make_others_leave_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = RocksDbTables(str(tmp_path / "database"), 8 << 20)
    table = tables.values()
    table.update((number, "") for number in range(100))
    tables.trim()
    for number in range(100):
        table[number] = "x" * 100_000
    monkeypatch.setattr("stream_engine.operators.rocksdb.database.monotonic", lambda: inf)
    tables.trim()
    assert table.entries < 50
    assert all(table[number] == "x" * 100_000 for number in range(100))
    tables.close()


def test_looking_at_large_tables_takes_a_small_part_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 0.0
    monkeypatch.setattr("stream_engine.operators.rocksdb.database.monotonic", lambda: seconds)
    tables = RocksDbTables(str(tmp_path / "database"), 8 << 20)
    table = tables.values()
    looks: list[float] = []

    def look() -> None:
        nonlocal seconds
        looks.append(seconds)
        seconds += 0.02
        table.each = 1

    monkeypatch.setattr(table, "measure", look)
    while seconds < 20:
        seconds += 0.1
        tables.trim()
    assert 5 <= len(looks) <= 11
    tables.close()


def test_a_lone_key_is_read_as_earlier_versions_wrote_it(tables: RocksDbTables) -> None:
    """In a list, as several with the same hash are."""
    table = tables.values()
    table["a"] = 1
    tables.flush()
    ((place, _),) = tables.scan(table.number.to_bytes(4, "big"))
    tables.put_now(place, pickle.dumps([("a", 2)]))
    table.shrink(1)
    assert dict(table.items()) == {"a": 2}
    assert table["a"] == 2


def test_what_is_changed_while_a_table_is_read_does_not_show(tables: RocksDbTables) -> None:
    table = tables.values()
    table.update((number, number) for number in range(1000))
    items = table.items()
    next(items)
    table.update((number, -1) for number in range(2000))
    tables.flush()
    assert sorted(value for _, value in items)[:2] != [-1, -1]


@pytest.mark.parametrize("size", [0, 3, 1000])
def test_a_table_that_is_forgotten_leaves_the_others_alone(tables: RocksDbTables, size: int) -> None:
    before, table, after = tables.values(), tables.values(), tables.values()
    for each in (before, table, after):
        each.update((number, number) for number in range(size))
    tables.flush()
    prefix = table.number.to_bytes(4, "big")
    assert len(list(tables.scan(prefix))) == size
    forget(table)
    tables.flush()
    assert list(tables.scan(prefix)) == []
    assert len(dict(before.items())) == len(dict(after.items())) == size


def test_several_tables_are_read_as_one(tables: RocksDbTables) -> None:
    first, second = tables.values(), tables.values()
    first.update([("a", 1), ("b", 2)])
    second.update([("b", 3), ("c", 4)])
    merged = Merged([first, second, {"b": 5}], sum)
    assert dict(merged.items()) == {"a": 1, "b": 10, "c": 4}
    assert sorted(merged.values()) == [1, 4, 10]


def test_a_key_that_cannot_be_hashed_is_refused_as_a_dict_does(tables: RocksDbTables) -> None:
    with pytest.raises(TypeError, match="unhashable"):
        tables.values().get([])


def test_instances_of_local_classes_can_be_kept(tables: RocksDbTables) -> None:
    class Local:
        value = 7

    table = tables.values()
    for number in range(10):
        table[number] = Local() if number == 5 else 7
    tables.flush()
    table.shrink(10)
    assert [table[number] for number in (4, 6)] == [7, 7]
    assert table[5].value == 7
