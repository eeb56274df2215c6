"""Which state goes to which operator: by uid, at any parallelism, refused if there is no operator for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from kept import metadata_of, write_files
from launched import PATIENCE

from stream_engine.checkpoints.directory import Place
from stream_engine.checkpoints.files import write_state_file
from stream_engine.checkpoints.metadata import StateFile, write_metadata
from stream_engine.checkpoints.owner_only import StorageError
from stream_engine.checkpoints.restoration import check_operators, read_states
from stream_engine.checkpoints.state_file import Encoding
from stream_engine.operators.snapshot import OperatorSnapshot, StateError, key_hash

if TYPE_CHECKING:
    from pathlib import Path

KEYS = [f"key {number}" for number in range(50)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(str(tmp_path), ("chk-1",), "state.checkpoints.dir")
    with place.open(make=True):
        return place


def counts(index: int, width: int) -> OperatorSnapshot:
    """The keys of one subtask, each with its own number."""
    return OperatorSnapshot(keyed={"values": {key: n for n, key in enumerate(KEYS) if hash(key) % width == index}})


def test_keys_go_where_their_records_go_at_any_parallelism(place: Place) -> None:
    files = write_files(place, [{"sum": counts(index, 3)} for index in range(3)])
    metadata = metadata_of(1, files, 3, sum="Sum")
    for width in (1, 2, 3, 5):
        tables = [
            dict(read_states(place.path, metadata, ["sum"], ["sum"], index, width)["sum"].entries("values"))
            for index in range(width)
        ]
        assert all(hash(key) % width == index for index, table in enumerate(tables) for key in table)
        assert {key: n for table in tables for key, n in table.items()} == {key: n for n, key in enumerate(KEYS)}
        assert sum(map(len, tables)) == len(KEYS)


def test_at_the_same_parallelism_in_the_same_run_a_subtask_reads_only_its_own_file(place: Place) -> None:
    files = write_files(place, [{"sum": counts(index, 2)} for index in range(2)])
    os.unlink(os.path.join(place.path, files[1].name))
    metadata = metadata_of(1, files, 2, sum="Sum")
    states = read_states(place.path, metadata, ["sum"], ["sum"], 0, 2)
    assert list(states["sum"].entries("values")) == list(counts(0, 2).keyed["values"].items())
    with pytest.raises(StorageError, match=r"Cannot read .*worker-2: No such file"):
        read_states(place.path, replace(metadata, key_hash=key_hash() + 1), ["sum"], ["sum"], 0, 2)


def test_keys_are_dealt_anew_where_their_hashes_are_others(place: Place) -> None:
    files = write_files(place, [{"sum": counts(index, 2)} for index in range(2)])
    program = (
        "import json, sys; sys.path[:0] = json.loads(sys.argv[1]);"
        "from stream_engine.checkpoints.directory import open_private;"
        "from stream_engine.checkpoints.metadata import read_metadata;"
        "from stream_engine.checkpoints.restoration import read_states;"
        "metadata = read_metadata(open_private(sys.argv[2]));"
        "read = lambda i: read_states(sys.argv[2], metadata, ['sum'], ['sum'], i, 2)['sum'].entries('values');"
        "tables = [dict(read(i)) for i in (0, 1)];"
        "assert all(hash(key) % 2 == i for i in (0, 1) for key in tables[i]);"
        "print(sorted({**tables[0], **tables[1]}.items(), key=lambda item: item[1]))"
    )
    write_metadata(place, metadata_of(1, files, 2, sum="Sum"))
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(sys.path), place.path],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str([(key, n) for n, key in enumerate(KEYS)])


def test_elements_are_a_subtasks_own_at_the_same_parallelism_and_spread_at_another(place: Place) -> None:
    parts = [{"sink": OperatorSnapshot(split={"open": [index, index + 10]}, own={"at": index})} for index in range(2)]
    metadata = metadata_of(1, write_files(place, parts), 2, sink="Sink")

    def states(width: int) -> list[Any]:
        return [read_states(place.path, metadata, ["sink"], ["sink"], index, width)["sink"] for index in range(width)]

    assert [state.elements("open") for state in states(2)] == [[0, 10], [1, 11]]
    assert [state.own for state in states(2)] == [{"at": 0}, {"at": 1}]
    assert [state.elements("open") for state in states(3)] == [[0, 11], [10], [1]]
    assert [state.everyone for state in states(3)] == [{"at": [0, 1]}] * 3
    assert states(1)[0].elements("open") == [0, 10, 1, 11]


def test_the_state_of_a_part_that_the_operator_no_longer_has_goes_to_the_operator(place: Place) -> None:
    part = OperatorSnapshot(split={"accumulators": [{"n": 1}]})
    files = write_files(place, [{"windows": OperatorSnapshot(), "windows (local 1)": part}] * 2)
    metadata = metadata_of(1, files, 2, **{"windows": "Windows", "windows (local 1)": "Windows (local)"})
    check_operators(metadata, {"windows": "Windows"}, "here")
    states = read_states(place.path, metadata, ["windows"], ["windows"], 0, 1)
    assert states["windows"].elements("accumulators") == [{"n": 1}, {"n": 1}]
    both = ["windows", "windows (local 1)"]
    assert read_states(place.path, metadata, both, both, 0, 2)["windows"].elements("accumulators") == []


# --- refused ---------------------------------------------------------------------------------------------------------


def test_state_that_no_operator_is_for_is_refused_unless_it_is_to_be_left(place: Place) -> None:
    files = write_files(place, [{"sum": counts(0, 1), "other": OperatorSnapshot(own={"x": 1})}])
    metadata = metadata_of(1, files, 1, sum="Sum", other="Map: Other", stateless="Filter")
    with pytest.raises(StateError, match=r"^chk has state of 'Map: Other' \(uid other\), .* no operator for it\. Give"):
        check_operators(metadata, {"sum": "Sum"}, "chk")
    check_operators(metadata, {"sum": "Sum"}, "chk", allow_non_restored=True)
    check_operators(metadata, {"sum": "Sum", "other": "Other"}, "chk")


UID = "Map-0123abcd"


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({UID: "A"}, {UID: "B", f"{UID}-2": "A"}),
        ({UID: "A", f"{UID}-2": "B"}, {UID: "B", f"{UID}-2": "A"}),
        ({UID: "A", f"{UID}-2": "B"}, {UID: "B"}),
    ],
)
def test_state_without_uids_is_refused_when_the_order_of_operators_has_changed(
    place: Place, then: dict[str, str], now: dict[str, str]
) -> None:
    files = write_files(place, [{UID: counts(0, 1)}])
    metadata = metadata_of(1, files, 1, **then)
    for lenient in (False, True):
        with pytest.raises(
            StateError, match=rf"^chk has state of 'A' \(uid {UID}\).* nothing says which .*'B'.* uid\("
        ):
            check_operators(metadata, now, "chk", lenient, made=now)


@pytest.mark.parametrize(
    ("then", "now", "given"),
    [
        ({UID: "A"}, {UID: "renamed"}, ()),
        ({UID: "A", f"{UID}-2": "B"}, {UID: "A", f"{UID}-2": "B"}, ()),
        ({UID: "A"}, {UID: "A", f"{UID}-2": "new"}, (UID,)),
        ({UID: "A", f"{UID}-2": "B"}, {f"{UID}-2": "B", UID: "renamed"}, (UID, f"{UID}-2")),
    ],
)
def test_state_goes_to_the_only_one_of_its_kind_or_to_the_one_with_its_uid(
    place: Place, then: dict[str, str], now: dict[str, str], given: tuple[str, ...]
) -> None:
    metadata = metadata_of(1, write_files(place, [{UID: counts(0, 1)}]), 1, **then)
    check_operators(metadata, now, "chk", made=now.keys() - {*given})


def test_the_checkpoint_of_another_job_is_refused_as_that(place: Place) -> None:
    metadata = metadata_of(1, write_files(place, [{"sum": counts(0, 1)}]), 1, sum="Sum")
    with pytest.raises(StateError, match=r"^chk is of another job, 'a job': none of its operators is in this one"):
        check_operators(metadata, {"total": "Total"}, "chk")


def test_unused_state_is_not_unpickled_and_other_state_names_what_is_missing(place: Place) -> None:
    module = type(sys)("gone_since")
    exec("class Gone: pass", module.__dict__)
    module.Gone.__module__ = "gone_since"
    sys.modules["gone_since"] = module
    files = write_files(
        place, [{"old": OperatorSnapshot(own={"x": module.Gone()}), "sum": OperatorSnapshot(own={"y": 2})}]
    )
    del sys.modules["gone_since"]
    metadata = metadata_of(1, files, 1, old="Old", sum="Sum")
    assert read_states(place.path, metadata, ["sum"], ["sum"], 0, 1)["sum"].own == {"y": 2}
    with pytest.raises(StateError, match=r"cannot be read by this script \(ModuleNotFoundError: .*gone_since.*'old'"):
        read_states(place.path, metadata, ["old"], ["old"], 0, 1)


def test_a_table_of_many_keys_is_pickled_in_parts_and_restored_in_its_order(place: Place) -> None:
    table = {number: [number] for number in range(2500, 0, -1)}
    snapshot = OperatorSnapshot(keyed={"values": table, "none": {}})
    files = write_files(place, [{"sum": snapshot}])
    # A header and a pickle for each.
    assert len(list(Encoding("sum", snapshot))) == 2 * (3 + 1)
    [state] = read_states(place.path, metadata_of(1, files, 1, sum="Sum"), ["sum"], ["sum"], 0, 1).values()
    assert list(state.entries("values")) == list(table.items())
    assert list(state.entries("none")) == []


def test_state_that_cannot_be_pickled_is_an_error_that_tells_why() -> None:
    with pytest.raises(
        StateError, match=r"its state cannot be kept in a checkpoint, as it cannot be pickled .*generator"
    ):
        Encoding("map", OperatorSnapshot(own={"x": (n for n in [])}))


# --- tables on disk --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lists", [False, True])
def test_a_table_on_disk_is_kept_as_it_was_and_restored_without_being_in_memory(
    place: Place, tmp_path: Path, lists: bool
) -> None:
    pytest.importorskip("rocksdict")
    from stream_engine.operators.rocksdb.tables import RocksDbTables

    tables = RocksDbTables(str(tmp_path / "database"), 1 << 20)
    contents: dict[str, Any] = {f"key {n}": [n, -n] if lists else n for n in range(2000)}
    table = tables.lists() if lists else tables.values()
    table.update(contents.items())
    encoded = Encoding("sum", OperatorSnapshot(keyed={"values": table, "small": {"a": 1}}, own={"x": 2}))
    # The file is written while the job continues.
    later: Any = [0] if lists else 0
    table.update([(key, later) for key in KEYS])
    size, digest = write_state_file(place, "worker-1", encoded)
    # And once more for the next checkpoint, of an operator that has come to its end.
    assert (size, digest) == write_state_file(place, "worker-2", encoded)
    tables.close()
    metadata = metadata_of(1, (StateFile("worker-1", size, digest, 0, ("sum",)),), 1, sum="Sum")

    [state] = read_states(place.path, metadata, ["sum"], ["sum"], 0, 1).values()
    assert (dict(state.entries("values")), dict(state.entries("small")), state.own) == (contents, {"a": 1}, {"x": 2})
    shares = [read_states(place.path, metadata, ["sum"], ["sum"], index, 2)["sum"] for index in range(2)]
    assert {key: value for share in shares for key, value in share.entries("values")} == contents
    assert all(hash(key) % 2 == index for index, share in enumerate(shares) for key, _ in share.entries("values"))
