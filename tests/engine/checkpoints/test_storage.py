"""Which checkpoints count, which stay, and which are refused: torn, altered, or open to others."""

from __future__ import annotations

import os
import resource
import signal
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kept import metadata_of, take, write_files

from stream_engine.checkpoints.directory import Place
from stream_engine.checkpoints.metadata import METADATA, write_metadata
from stream_engine.checkpoints.owner_only import StorageError
from stream_engine.checkpoints.restoration import read_states
from stream_engine.checkpoints.storage import (
    CHECKPOINTS,
    CheckpointStorage,
    begin_savepoint,
    checkpoint_root,
    discard,
    find,
)
from stream_engine.operators.snapshot import OperatorSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def storage(tmp_path: Path) -> CheckpointStorage:
    storage = CheckpointStorage(str(tmp_path / "checkpoints"), "f" * 32)
    storage.prepare()
    return storage


def place_of(storage: CheckpointStorage, checkpoint: int) -> Place:
    root, job_id = os.path.split(storage.directory)
    return Place(root, (job_id, f"chk-{checkpoint}"), CHECKPOINTS)


def path_of(storage: CheckpointStorage, checkpoint: int) -> str:
    return place_of(storage, checkpoint).path


def value_in(found: tuple[str, Any] | None) -> Any:
    """The state of the checkpoint's only operator."""
    assert found is not None
    directory, metadata = found
    return read_states(directory, metadata, ["sum"], ["sum"], 0, 1)["sum"].own["value"]


def test_a_checkpoint_that_was_completed_is_found_with_what_it_holds(storage: CheckpointStorage) -> None:
    take(storage, 1, {"a": [1]})
    assert value_in(storage.newest([])) == {"a": [1]}


def test_a_checkpoint_does_not_count_until_it_is_complete(storage: CheckpointStorage) -> None:
    take(storage, 1, "old")
    write_files(storage.begin(2), [{"sum": OperatorSnapshot(own={"value": "new"})}])
    assert value_in(storage.newest([])) == "old"


def test_without_a_complete_checkpoint_there_is_none(storage: CheckpointStorage) -> None:
    storage.begin(1)
    assert storage.newest([]) is None


@pytest.mark.parametrize("retained", [1, 3])
def test_the_newest_checkpoints_stay_and_the_others_go(storage: CheckpointStorage, retained: int) -> None:
    for number in range(1, 12):
        take(storage, number, number, retained)
    kept = sorted(os.listdir(storage.directory), key=lambda name: int(name[4:]))
    assert kept == [f"chk-{number}" for number in range(12 - retained, 12)]
    assert value_in(storage.newest([])) == 11


def test_what_an_aborted_checkpoint_left_is_in_nobodys_way(storage: CheckpointStorage) -> None:
    write_files(storage.begin(1), [{"sum": OperatorSnapshot(own={"value": "aborted"})}])
    take(storage, 1, "taken")
    assert value_in(storage.newest([])) == "taken"


def test_files_and_directories_are_the_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        storage = CheckpointStorage(str(tmp_path / "made" / "deep"), "f" * 32)
        storage.prepare()
        directory = take(storage, 1)
    finally:
        os.umask(before)
    for path in (storage.directory, directory):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
    for name in os.listdir(directory):
        assert stat.S_IMODE(os.stat(os.path.join(directory, name)).st_mode) == 0o600


# --- damage ----------------------------------------------------------------------------------------------------------


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut_short, alter, Path.unlink], ids=["torn", "altered", "gone"])
def test_a_damaged_file_is_named_and_the_checkpoint_before_it_is_used(
    storage: CheckpointStorage, damage: Callable[[Path], None]
) -> None:
    take(storage, 1, "old", retained=2)
    newest = Path(take(storage, 2, "new", retained=2))
    damage(newest / "worker-1")
    damages: list[str] = []
    assert value_in(storage.newest(damages)) == "old"
    assert len(damages) == 1
    assert str(newest / "worker-1") in damages[0]


@pytest.mark.parametrize("damage", [cut_short, alter], ids=["torn", "altered"])
def test_damaged_metadata_is_named_and_the_checkpoint_before_it_is_used(
    storage: CheckpointStorage, damage: Callable[[Path], None]
) -> None:
    take(storage, 1, "old", retained=2)
    metadata = Path(take(storage, 2, "new", retained=2)) / METADATA
    damage(metadata)
    damages: list[str] = []
    assert value_in(storage.newest(damages)) == "old"
    assert damages == [f"{metadata} is damaged: its checksum is not that of its contents."]


def test_metadata_of_another_format_or_of_no_kind_is_refused(storage: CheckpointStorage) -> None:
    metadata = Path(take(storage, 1)) / METADATA
    metadata.write_bytes(metadata.read_bytes().replace(b"checkpoint 1 ", b"checkpoint 7 ", 1))
    with pytest.raises(StorageError, match="is of format 7, and this version reads format 1 only"):
        find(str(metadata))
    metadata.write_bytes(b"\x80\x05N.")
    with pytest.raises(StorageError, match="is damaged, or not the metadata of a checkpoint"):
        find(str(metadata))


# --- other users -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["worker-1", METADATA, "."])
@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_what_others_can_write_to_is_not_read(storage: CheckpointStorage, name: str, mode: int) -> None:
    path = Path(take(storage, 1)) / name
    path.chmod(mode | (0o100 if path.is_dir() else 0))
    with pytest.raises(StorageError, match="is not used for checkpoints: others can write to it"):
        find(path_of(storage, 1))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.parametrize("name", ["worker-1", METADATA, "."])
def test_what_another_user_owns_is_not_read(storage: CheckpointStorage, name: str) -> None:
    os.chown(Path(take(storage, 1)) / name, 12345, -1)
    with pytest.raises(StorageError, match=r"belongs to another user \(uid 12345, not 0\)"):
        find(path_of(storage, 1))


def test_a_link_is_not_followed(storage: CheckpointStorage, tmp_path: Path) -> None:
    state = Path(take(storage, 1)) / "worker-1"
    state.rename(tmp_path / "elsewhere")
    state.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match=f"Cannot read {state}"):
        find(path_of(storage, 1))


def test_a_directory_that_others_can_write_to_takes_no_checkpoints(tmp_path: Path) -> None:
    storage = CheckpointStorage(str(tmp_path), "f" * 32)
    Path(storage.directory).mkdir()
    Path(storage.directory).chmod(0o777)
    with pytest.raises(StorageError, match=r"mode 0777; chmod go-w would end that"):
        storage.prepare()


# --- where nothing can be written ------------------------------------------------------------------------------------


def test_a_directory_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    storage = CheckpointStorage(str(tmp_path / "file" / "below"), "f" * 32)
    with pytest.raises(StorageError, match=f"Cannot write a checkpoint to {storage.directory}: Not a directory"):
        storage.prepare()


def test_a_full_disk_is_an_error_and_leaves_the_earlier_checkpoint(
    storage: CheckpointStorage,
) -> None:
    take(storage, 1, "old")
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StorageError, match=r"Cannot write a checkpoint to .*chk-2/worker-1: File too large"):
            take(storage, 2, "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    discard(place_of(storage, 2))
    assert value_in(storage.newest([])) == "old"
    assert os.listdir(storage.directory) == ["chk-1"]


def test_the_place_of_checkpoints_may_be_a_url(tmp_path: Path) -> None:
    assert checkpoint_root(f"file://{tmp_path}", "state.checkpoints.dir") == str(tmp_path)
    with pytest.raises(StorageError, match=r"^state\.checkpoints\.dir: cannot use nonsense://bucket/x"):
        checkpoint_root("nonsense://bucket/x", "state.checkpoints.dir")


# --- savepoints ------------------------------------------------------------------------------------------------------


def test_a_savepoint_is_found_by_its_directory_its_metadata_or_a_url(tmp_path: Path) -> None:
    place = begin_savepoint(str(tmp_path), "abcdef0123")
    directory = place.path
    files = write_files(place, [{"sum": OperatorSnapshot(own={"value": 7})}])
    write_metadata(place, metadata_of(3, files, 1, sum="Sum"))
    assert Path(directory).name.startswith("savepoint-abcdef-")
    for path in (directory, f"{directory}/", f"{directory}/{METADATA}", f"file://{directory}"):
        assert find(path)[0] == directory
        assert value_in(find(path)) == 7


def test_of_the_directory_of_a_run_the_newest_complete_checkpoint_is_taken(storage: CheckpointStorage) -> None:
    take(storage, 9, "old", retained=2)
    take(storage, 10, "new", retained=2)
    storage.begin(11)
    assert value_in(find(storage.directory)) == "new"


def test_a_path_without_a_savepoint_is_an_error_that_tells_what_is_missing(
    storage: CheckpointStorage, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match=r"no savepoint or checkpoint .*/nowhere: there is no such directory"):
        find(str(tmp_path / "nowhere"))
    with pytest.raises(
        StorageError, match=r"no complete savepoint or checkpoint in .*/chk-1: it would have a file _metadata"
    ):
        find(storage.begin(1).path)


# --- the end ---------------------------------------------------------------------------------------------------------


def test_nothing_is_left_of_a_run_whose_checkpoints_are_deleted(tmp_path: Path) -> None:
    root = tmp_path / "root"
    first, second = (CheckpointStorage(str(root), job * 32, temporary=True) for job in "ab")
    for storage in (first, second):
        storage.prepare()
        take(storage, 1)
        storage.begin(2)
    first.delete()
    assert os.listdir(root) == ["b" * 32]
    second.delete()
    assert not root.exists()


def test_what_somebody_else_has_put_beside_the_checkpoints_stays(storage: CheckpointStorage) -> None:
    take(storage, 1)
    note = Path(storage.directory) / "note"
    note.write_text("mine")
    storage.delete()
    assert os.listdir(storage.directory) == ["note"]
