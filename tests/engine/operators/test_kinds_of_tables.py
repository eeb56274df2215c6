"""Tables that are no dicts are used as dicts are, whatever their keys, and what is kept of them is what they have."""

from __future__ import annotations

import pickle
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_engine.operators.changes import ChangedTables, Changes, apply_changes
from stream_engine.operators.rocksdb.tables import RocksDbTables
from stream_engine.operators.tables import forget

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


# Some are equal though they are written differently, and some have the same hash.
keys = st.one_of(
    st.integers(-2, 2),
    st.sampled_from([1.0, True, -1.0, 2**61 - 1, 0.5, None, "a", b"a", ("a", 1), ("a", 1.0), frozenset("ab")]),
    st.integers(0, 3).map(Colliding),
    st.text(max_size=2),
)
# Perhaps what changed is kept, and perhaps some of what is in memory is forgotten, between any two steps.
between = st.sampled_from(["flush", "shrink", "shrink", None, None, None])
moves = st.sampled_from(["set", "set", "touch", "get", "delete", "in"])
steps = st.lists(st.tuples(moves, keys, st.integers(), between), max_size=40)


def types(found: dict[Any, Any]) -> dict[Any, type]:
    return {key: type(key) for key in found}


moves_of_lists = st.sampled_from(["append", "append", "append", "get", "set", "discard"])


# Fields may be equal or collide as keys may; the keys of maps collide, too.
few_keys = st.sampled_from([1, -1, -2, "a", Colliding(1), Colliding(2)])
moves_of_maps = st.sampled_from(["put", "put", "put", "get", "in", "pop", "items", "some", "clear"])


class Keeper(Protocol):
    """Has ``tables``, and keeps what they have now and then."""

    tables: Any

    def tend(self, table: Any, how: str | None) -> None: ...

    def check(self, table: Any, model: dict[Any, Any]) -> None:
        """Whether what was kept of a table is what it has, namely ``model``."""
        ...


class DiskKeeper:
    """Keeps what changed in a database, and forgets what is in memory."""

    def __init__(self, path: str) -> None:
        self.tables = RocksDbTables(path, 1 << 20)

    def tend(self, table: Any, how: str | None) -> None:
        if how == "flush":
            self.tables.flush()
        elif how == "shrink":
            table.shrink(2)
            self.tables.flush_batch()

    def check(self, table: Any, model: dict[Any, Any]) -> None:
        self.tables.flush()
        table.shrink(1000)
        assert dict(table.items()) == model


class ChangesKeeper:
    """Keeps what changed of a table in a dict."""

    def __init__(self) -> None:
        self.tables = ChangedTables()
        self._kept: dict[int, dict[Any, Any]] = {}

    def tend(self, table: Any, how: str | None) -> None:
        if how == "shrink":
            # As for a savepoint.
            table.whole()
        elif how == "flush":
            changes: Changes = pickle.loads(pickle.dumps(table.changes()))
            table.settle()
            apply_changes(table.holds, changes, self._kept.setdefault(table.number, {}))

    def check(self, table: Any, model: dict[Any, Any]) -> None:
        self.tend(table, "flush")
        kept = self._kept[table.number]
        assert kept == model
        if table.holds == "values":
            assert types(kept) == types(model)
        if table.holds == "maps":
            assert {key: [*fields] for key, fields in kept.items()} == {key: [*model[key]] for key in model}


@pytest.fixture(scope="module", params=["rocksdb", "changes"] if find_spec("rocksdict") else ["changes"])
def keeper(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    if request.param == "changes":
        yield ChangesKeeper()
        return
    keeper = DiskKeeper(str(tmp_path_factory.mktemp("rocksdb")))
    yield keeper
    keeper.tables.close()


@given(steps, st.booleans())
def test_a_table_of_values_does_what_a_dict_does(
    keeper: Keeper, steps: list[tuple[str, Any, int, str | None]], looks: bool
) -> None:
    table: Any = keeper.tables.values()
    model: dict[Any, Any] = {}
    for step, key, value, then in steps:
        if step == "set":
            table.get(key)
            table[key], model[key] = [value], [value]
        elif step == "touch":
            # What is reduced is changed and put back.
            assert (key in model) == (key in table)
            if key in model:
                table[key].append(value)
                table[key] = table[key]
                model[key] = [*model[key], value]
        elif step == "get":
            assert table.get(key, "none") == model.get(key, "none")
        elif step == "in":
            assert (key in table) == (key in model)
        elif key in model:
            del table[key], model[key]
        else:
            with pytest.raises(KeyError):
                del table[key]
        keeper.tend(table, then)
        if looks:
            assert bool(table) == bool(model)
            assert len(table) == len(model)
            assert dict(table.items()) == model
            assert types(dict(table.items())) == types(model)
            assert all(table[key] == model[key] for key in model)
    assert dict(table.items()) == model
    assert types(dict(table.items())) == types(model)
    assert sorted(table.values()) == sorted(model.values())
    keeper.check(table, model)
    forget(table)


@given(st.lists(st.tuples(moves_of_lists, keys, st.integers(), between), max_size=40))
def test_lists_hold_what_was_added_in_its_order(keeper: Keeper, steps: list[tuple[str, Any, int, str | None]]) -> None:
    table: Any = keeper.tables.lists()
    model: dict[Any, list[int]] = {}
    for step, key, element, then in steps:
        if step == "append":
            table.append(key, element)
            model.setdefault(key, []).append(element)
        elif step == "get":
            assert table.get(key, "none") == model.get(key, "none")
        elif step == "set":
            table[key], model[key] = [element, element + 1], [element, element + 1]
        else:
            table.discard(key)
            model.pop(key, None)
        keeper.tend(table, then)
        assert table.get(key, "none") == model.get(key, "none")
    assert bool(table) == bool(model)
    assert len(table) == len(model)
    assert dict(table.items()) == model
    keeper.check(table, model)
    forget(table)


@given(st.lists(st.tuples(moves_of_maps, few_keys, keys, st.integers(), between), max_size=40))
def test_maps_do_what_dicts_do_and_keep_the_order_of_their_fields(
    keeper: Keeper, steps: list[tuple[str, Any, Any, int, str | None]]
) -> None:
    table: Any = keeper.tables.maps()
    model: dict[Any, dict[Any, int]] = {}
    for step, key, field, value, then in steps:
        fields, expected = table.fields(key), model.setdefault(key, {})
        if step == "put":
            fields[field] = expected[field] = value
        elif step == "get":
            assert fields.get(field, "none") == expected.get(field, "none")
        elif step == "in":
            assert (field in fields) == (field in expected)
        elif step == "pop":
            assert fields.pop(field, "none") == expected.pop(field, "none")
        elif step == "items":
            assert list(fields.items()) == list(expected.items())
            assert types(dict(fields.items())) == types(expected)
        elif step == "some":
            assert bool(fields) == bool(expected)
        else:
            fields.clear()
            expected.clear()
        keeper.tend(table, then)
    model = {key: fields for key, fields in model.items() if fields}
    assert bool(table) == bool(model)
    assert len(table) == len(model)
    assert {key: list(fields.items()) for key, fields in table.items()} == {
        key: list(fields.items()) for key, fields in model.items()
    }
    keeper.check(table, model)
    forget(table)
