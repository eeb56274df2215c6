"""Tables on disk are used as dicts are, whatever their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rocksdict")

from stream_engine.operators.rocksdb import RocksDbTables
from stream_engine.operators.tables import Merged, forget

if TYPE_CHECKING:
    from collections.abc import Iterator


class Colliding:
    """Equal by its number, with the hash of all others."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return 5

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Colliding) and self.number == other.number


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RocksDbTables]:
    tables = RocksDbTables(str(tmp_path_factory.mktemp("rocksdb")))
    yield tables
    tables.close()


# Some are equal though they are written differently, and some have the same hash.
keys = st.one_of(
    st.integers(-2, 2),
    st.sampled_from([1.0, True, -1.0, 2**61 - 1, 0.5, None, "a", b"a", ("a", 1), ("a", 1.0), frozenset("ab")]),
    st.integers(0, 3).map(Colliding),
    st.text(max_size=2),
)
steps = st.lists(st.tuples(st.sampled_from(["set", "get", "delete", "in"]), keys, st.integers()), max_size=40)


@given(steps)
def test_a_table_does_what_a_dict_does(tables: RocksDbTables, steps: list[tuple[str, Any, int]]) -> None:
    table: Any = tables.values()
    model: dict[Any, Any] = {}
    for step, key, value in steps:
        if step == "set":
            table[key] = model[key] = [value]
        elif step == "get":
            assert table.get(key, "none") == model.get(key, "none")
        elif step == "in":
            assert (key in table) == (key in model)
        elif key in model:
            del table[key], model[key]
        else:
            with pytest.raises(KeyError):
                del table[key]
        assert len(table) == len(model)
        assert dict(table.items()) == model
        assert {key: type(key) for key, _ in table.items()} == {key: type(key) for key in model}
        assert sorted(table.values()) == sorted(model.values())
        assert all(table[key] == model[key] for key in model)


@given(st.lists(st.tuples(keys, st.integers()), max_size=40))
def test_lists_hold_what_was_appended_in_its_order(tables: RocksDbTables, elements: list[tuple[Any, int]]) -> None:
    table: Any = tables.lists()
    model: dict[Any, list[int]] = {}
    for key, element in elements:
        table.append(key, element)
        model.setdefault(key, []).append(element)
    assert bool(table) == bool(model)
    assert dict(table.items()) == model
    assert all(table[key] == model[key] for key in model)
    assert table.get("not there", "none") == "none"


def test_what_a_table_gives_is_a_copy(tables: RocksDbTables) -> None:
    table = tables.values()
    table["a"] = kept = [1]
    kept.append(2)
    table["a"].append(3)
    assert table["a"] == [1]


def test_what_is_changed_while_a_table_is_read_does_not_show(tables: RocksDbTables) -> None:
    table = tables.values()
    table.update((number, number) for number in range(1000))
    items = table.items()
    next(items)
    table.update((number, -1) for number in range(2000))
    assert sorted(value for _, value in items)[:2] != [-1, -1]


@pytest.mark.parametrize("size", [0, 3, 1000])
def test_a_table_that_is_forgotten_leaves_the_others_alone(tables: RocksDbTables, size: int) -> None:
    before, table, after = tables.values(), tables.values(), tables.values()
    for each in (before, table, after):
        each.update((number, number) for number in range(size))
    forget(table)
    assert list(table.items()) == []
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
    table["a"] = Local()
    assert table["a"].value == 7
