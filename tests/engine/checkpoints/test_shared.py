"""Files that checkpoints share: each stays as long as a checkpoint needs it, and damage to it is found."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import pytest
from kept import metadata_of

from stream_engine.checkpoints.changes import ChangeLog
from stream_engine.checkpoints.database_files import DatabaseEncoding
from stream_engine.checkpoints.files import write_state_file
from stream_engine.checkpoints.metadata import StateFile
from stream_engine.checkpoints.owner_only import StorageError
from stream_engine.checkpoints.restoration import read_states
from stream_engine.checkpoints.shared import SharedFiles
from stream_engine.checkpoints.storage import CheckpointStorage, find
from stream_engine.operators.changes import ChangedTables
from stream_engine.operators.rocksdb.tables import RocksDbTables
from stream_engine.operators.snapshot import StateError

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("rocksdict")


class Run:
    """Takes checkpoints of a table on disk, or of one in memory that knows its changes."""

    def __init__(self, directory: Path, backend: str) -> None:
        self.storage = CheckpointStorage(str(directory / "checkpoints"), "f" * 32)
        self.storage.prepare()
        self.on_disk = backend == "rocksdb"
        self.tables: Any = RocksDbTables(str(directory / "state"), 1 << 20) if self.on_disk else ChangedTables()
        self.table = self.tables.values()
        self.log = ChangeLog()
        self.files = SharedFiles()
        self.number = 0

    def change(self, first: int, last: int, value: Any) -> None:
        self.table.update((number, value) for number in range(first, last))

    def take(self, retained: int = 1) -> str:
        """A checkpoint, complete; its directory."""
        path = self.begin()
        self.storage.complete(metadata_of(self.number, (self.written,), 1, sum="Sum"), retained)
        return path

    def begin(self) -> str:
        """A checkpoint that is not complete yet."""
        self.number += 1
        place, shared = self.storage.begin(self.number), self.storage.share()
        tables = {"values": self.table}
        encoding: Any
        if self.on_disk:
            encoding = DatabaseEncoding("sum", tables, self.table.snapshot(), 0, shared)
        else:
            encoding = self.log.take({"sum": tables}, 0, shared, None)
        together = tuple(encoding.share(self.files))
        size, digest = write_state_file(place, "worker-1", encoding)
        self.written = StateFile("worker-1", size, digest, 0, ("sum",), together)
        return place.path

    @property
    def shared(self) -> Path:
        return Path(self.storage.directory) / "shared"

    def names(self) -> set[str]:
        return set(os.listdir(self.shared))


@pytest.fixture(params=["hashmap", "rocksdb"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    return Run(tmp_path, request.param)


@pytest.fixture
def on_disk(tmp_path: Path) -> Run:
    return Run(tmp_path, "rocksdb")


@pytest.fixture
def in_memory(tmp_path: Path) -> Run:
    return Run(tmp_path, "hashmap")


def restored(path: str) -> dict[Any, Any]:
    directory, metadata = find(path)
    state = read_states(directory, metadata, ["sum"], ["sum"], 0, 1)["sum"]
    return dict(state.entries("values"))


def names_in(path: str) -> set[str]:
    return {shared.name for file in find(path)[1].files for shared in file.shared}


def test_every_checkpoint_that_is_retained_is_restored_exactly(run: Run) -> None:
    paths: list[str] = []
    expected: list[dict[int, int]] = []
    state: dict[int, int] = {}
    for round_ in range(6):
        run.change(round_ * 100, 2000, round_)
        state.update(dict.fromkeys(range(round_ * 100, 2000), round_))
        paths.append(run.take(retained=4))
        expected.append(dict(state))
    assert [os.path.exists(path) for path in paths] == [False, False, True, True, True, True]
    assert [restored(path) for path in paths[2:]] == expected[2:]


def test_what_has_not_changed_is_written_once(run: Run) -> None:
    run.change(0, 20_000, 1)
    first = names_in(run.take())
    before = {name: (run.shared / name).stat() for name in first}
    run.change(0, 10, 2)
    second = names_in(run.take())
    assert first & second
    for name in first & second:
        after = (run.shared / name).stat()
        assert (after.st_ino, after.st_mtime_ns) == (before[name].st_ino, before[name].st_mtime_ns)
    assert sum((run.shared / name).stat().st_size for name in second - first) < 10_000


@pytest.mark.parametrize("retained", [1, 3])
def test_files_go_with_the_last_checkpoint_that_needs_them(run: Run, retained: int) -> None:
    paths: list[str] = []
    for round_ in range(12):
        run.change(0, 500, round_)
        paths.append(run.take(retained))
        assert run.names() == set[str]().union(*map(names_in, paths[-retained:]))


def test_what_a_checkpoint_that_was_given_up_has_written_is_used_by_the_next_or_goes(run: Run) -> None:
    run.change(0, 500, 1)
    run.begin()
    run.change(0, 10, 2)
    path = run.take()
    assert run.names() == names_in(path)
    assert restored(path) == {**dict.fromkeys(range(500), 1), **dict.fromkeys(range(10), 2)}


def test_files_of_a_database_that_have_gone_are_written_again(on_disk: Run) -> None:
    on_disk.change(0, 500, 1)
    on_disk.take()
    for file in on_disk.shared.iterdir():
        file.unlink()
    on_disk.change(0, 10, 2)
    assert len(restored(on_disk.take())) == 500


def test_without_the_changes_before_a_checkpoint_fails_and_the_next_has_all(in_memory: Run) -> None:
    in_memory.change(0, 500, 1)
    in_memory.take()
    (file,) = in_memory.shared.iterdir()
    file.unlink()
    in_memory.change(0, 10, 2)
    with pytest.raises(StorageError, match=f"{file.name} is gone: it has been removed"):
        in_memory.begin()
    in_memory.change(10, 20, 2)
    assert restored(in_memory.take()) == {**dict.fromkeys(range(500), 1), **dict.fromkeys(range(20), 2)}


def test_changes_that_were_never_written_are_in_the_next_checkpoint(in_memory: Run) -> None:
    """Of a checkpoint that was given up before its barrier had come everywhere."""
    in_memory.change(0, 500, 1)
    in_memory.take()
    in_memory.change(0, 10, 2)
    in_memory.log.take({"sum": {"values": in_memory.table}}, 0, in_memory.storage.share(), None)
    assert restored(in_memory.take()) == {**dict.fromkeys(range(500), 1), **dict.fromkeys(range(10), 2)}


def test_a_chain_of_changes_begins_anew_before_it_is_much_longer_than_the_state(in_memory: Run) -> None:
    in_memory.change(0, 500, 0)
    lengths: list[int] = []
    for round_ in range(100):
        in_memory.change(0, 10 if round_ < 50 else 400, round_)
        lengths.append(len(names_in(in_memory.take())))
        assert sum(file.stat().st_size for file in in_memory.shared.iterdir()) < 4 * 500 * 30
    assert max(lengths[:50]) > 10
    assert max(lengths[51:]) < 5
    assert 1 in lengths[2:]


def test_changes_of_large_state_are_pickled_by_a_child(in_memory: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[int] = []
    fork = os.fork
    monkeypatch.setattr(os, "fork", lambda: children.append(pid := fork()) or pid)
    in_memory.change(0, 100_000, (1, 2))
    path = in_memory.take(retained=3)
    in_memory.change(0, 10, (3, 4))
    later = in_memory.take(retained=3)
    assert len(children) == 1
    assert restored(path) == dict.fromkeys(range(100_000), (1, 2))
    assert restored(later) == {**restored(path), **dict.fromkeys(range(10), (3, 4))}


def test_many_changes_are_pickled_in_parts_and_restored_all(in_memory: Run) -> None:
    in_memory.change(0, 2500, "old")
    before = names_in(in_memory.take())
    for number in range(1200):
        del in_memory.table[number]
    in_memory.change(1000, 2400, "new")
    path = in_memory.take()
    assert restored(path) == dict.fromkeys(range(1000, 2400), "new") | dict.fromkeys(range(2400, 2500), "old")
    [name] = names_in(path) - before
    parts: list[Any] = []
    with (in_memory.shared / name).open("rb") as file:
        while file.tell() < (in_memory.shared / name).stat().st_size:
            parts.append(pickle.load(file))
    assert [(len(changes.put), len(changes.gone)) for _, changes in parts] == [(1000, 1200), (400, 0)]


def test_changes_that_cannot_be_pickled_are_an_error(in_memory: Run) -> None:
    in_memory.change(0, 1, Lock())
    with pytest.raises(StateError, match=r"its state cannot be kept in a checkpoint, as it cannot be pickled \(.*lock"):
        in_memory.begin()


def test_nothing_is_left_of_a_run_that_is_deleted(run: Run) -> None:
    run.change(0, 500, 1)
    run.take()
    run.begin()
    run.storage.delete()
    assert not os.path.exists(run.storage.directory)


@pytest.mark.parametrize("backend", ["hashmap", "rocksdb"])
def test_shared_files_are_their_owners_alone_whatever_the_umask(tmp_path: Path, backend: str) -> None:
    before = os.umask(0)
    try:
        run = Run(tmp_path, backend)
        run.change(0, 500, 1)
        run.take()
    finally:
        os.umask(before)
    assert run.shared.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in run.shared.iterdir()} == {0o600}
    if backend == "rocksdb":
        assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


# --- damage ----------------------------------------------------------------------------------------------------------


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def open_up(path: Path) -> None:
    path.chmod(0o620)


def replace_by_a_link(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


DAMAGES: list[Callable[[Path], None]] = [cut_short, alter, Path.unlink, open_up, replace_by_a_link]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_a_checkpoint_without_it_is_used(run: Run, damage: Callable[[Path], None]) -> None:
    run.change(0, 500, 1)
    first = run.take(retained=2)
    run.change(0, 10, 2)
    second = run.take(retained=2)
    (name,) = names_in(second) - names_in(first)
    damage(run.shared / name)
    with pytest.raises(StorageError, match=name):
        find(second)
    damages: list[str] = []
    newest = run.storage.newest(damages)
    assert newest is not None
    assert newest[0] == first
    assert [name in damage for damage in damages] == [True]
    assert restored(first) == dict.fromkeys(range(500), 1)


def test_a_directory_of_shared_files_that_others_can_write_to_is_not_used(run: Run) -> None:
    run.change(0, 500, 1)
    path = run.take()
    run.shared.chmod(0o777)
    with pytest.raises(StorageError, match="shared is not used for checkpoints: others can write to it"):
        find(path)
    with pytest.raises(StorageError, match="shared is not used for checkpoints: others can write to it"):
        run.begin()


def test_a_file_that_is_damaged_between_two_readings_is_not_used(run: Run) -> None:
    run.change(0, 500, 1)
    directory, metadata = find(run.take())
    (name,) = run.names()
    alter(run.shared / name)
    state = read_states(directory, metadata, ["sum"], ["sum"], 0, 1)["sum"]
    with pytest.raises(StorageError, match=f"{name} is damaged"):
        dict(state.entries("values"))


def test_the_copies_that_are_made_to_read_a_database_do_not_stay(on_disk: Run, tmp_path: Path) -> None:
    on_disk.change(0, 500, 1)
    directory, metadata = find(on_disk.take())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    states = read_states(directory, metadata, ["sum"], ["sum"], 0, 1, str(scratch))
    assert len(dict(states["sum"].entries("values"))) == 500
    (copy,) = scratch.iterdir()
    assert copy.stat().st_mode & 0o777 == 0o700
    del states
    assert list(scratch.iterdir()) == []


def test_checkpoints_of_earlier_versions_share_nothing(run: Run) -> None:
    from hashlib import sha256

    place = run.storage.begin(1)
    header = pickle.dumps(("sum", "own", "value", 0))
    size, digest = write_state_file(place, "worker-1", [header, pickle.dumps(7)])
    run.storage.complete(metadata_of(1, (StateFile("worker-1", size, digest, 0, ("sum",)),), 1, sum="Sum"), 1)
    path = Path(place.path) / "_metadata"
    body = path.read_bytes().partition(b"\n")[2].replace(b',\n   "shared": []', b"")
    assert b"shared" not in body
    path.write_bytes(f"pyflink-stream checkpoint 1 {sha256(body).hexdigest()}\n".encode() + body)
    assert find(place.path)[1].files[0].shared == ()
