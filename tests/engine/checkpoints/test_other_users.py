"""What other users can do to checkpoints where they can write, too: nothing of this user's is deleted or planted."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kept import metadata_of, take, write_files

from stream_engine.checkpoints.directory import LocalDirectory, Place
from stream_engine.checkpoints.metadata import METADATA, write_metadata
from stream_engine.checkpoints.owner_only import StorageError
from stream_engine.checkpoints.storage import (
    CheckpointStorage,
    begin_savepoint,
    check_savepoint_root,
    checkpoint_root,
    default_root,
    discard,
)
from stream_engine.operators.snapshot import OperatorSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

JOB = "f" * 32
STRANGER = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def as_stranger(act: Callable[[], object]) -> None:
    """Lets another user ``act``, in a process of their own. The test fails if they cannot."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(STRANGER)
            os.setuid(STRANGER)
            act()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory that everybody can write to, without the sticky bit."""
    above = Path(tempfile.mkdtemp())
    above.chmod(0o755)
    shared = above / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    yield shared
    shutil.rmtree(above)


@pytest.fixture
def precious(shared: Path) -> Path:
    """A directory of this user's own, with files that are named as ours are and others."""
    precious = shared.parent / "precious"
    precious.mkdir(0o700)
    for name in (METADATA, "worker-1", "thesis"):
        (precious / name).write_text(name)
    return precious


def expect_unharmed(precious: Path) -> None:
    assert {path.name: path.read_text() for path in precious.iterdir()} == {
        name: name for name in (METADATA, "worker-1", "thesis")
    }


def storage_in(root: Path) -> CheckpointStorage:
    storage = CheckpointStorage(str(root), JOB)
    storage.prepare()
    return storage


# --- roots -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_root_where_others_can_rename_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    told = rf"others can rename and delete what is in it \(mode {mode:04o}; chmod go-w or chmod \+t would end that"
    with pytest.raises(StorageError, match=rf"{tmp_path} is not used: {told}.*with state\.checkpoints\.dir"):
        storage_in(tmp_path)
    with pytest.raises(StorageError, match=rf"{told}.*with state\.savepoints\.dir"):
        check_savepoint_root(str(tmp_path))
    with pytest.raises(StorageError, match=told):
        begin_savepoint(str(tmp_path), JOB)
    assert os.listdir(tmp_path) == []


def test_a_root_for_everybody_with_the_sticky_bit_takes_checkpoints(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    take(storage_in(tmp_path), 1)
    check_savepoint_root(str(tmp_path))
    assert Path(begin_savepoint(str(tmp_path), JOB).path).is_dir()


@pytest.mark.parametrize("umask", [0, 0o002])
def test_a_root_that_is_made_is_not_refused_later_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        take(storage_in(tmp_path / "made" / "deep"), 1)
        take(storage_in(tmp_path / "made" / "deep"), 2)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "made" / "deep").stat().st_mode) == 0o700


def test_a_root_that_is_a_link_of_the_users_own_leads_to_the_directory(tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "link").symlink_to("large")
    root = checkpoint_root(str(tmp_path / "link"), "state.checkpoints.dir")
    assert take(storage_in(Path(root)), 1) == f"{tmp_path}/large/{JOB}/chk-1"


@as_root
@pytest.mark.parametrize("made", ["open", "locked", "link"])
def test_a_default_directory_of_another_user_is_refused_with_the_option_to_set(
    shared: Path, precious: Path, monkeypatch: pytest.MonkeyPatch, made: str
) -> None:
    shared.chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    root = default_root()

    def make() -> None:
        if made == "link":
            os.symlink(precious, root)
        else:
            os.mkdir(root, 0o755 if made == "open" else 0)

    as_stranger(make)
    reason = "it is a link" if made == "link" else rf"it belongs to another user \(uid {STRANGER}, not 0\)"
    told = rf"^{root} is not used: {reason}\. Name a directory of your own with state\.checkpoints\.dir"
    with pytest.raises(StorageError, match=told):
        CheckpointStorage(root, JOB, temporary=True).prepare()
    expect_unharmed(precious)


# --- what is deleted -------------------------------------------------------------------------------------------------


def test_only_files_that_jobs_write_are_deleted(tmp_path: Path) -> None:
    storage = storage_in(tmp_path)
    directory = Path(take(storage, 1))
    others = ["worker-", "worker-1.bak", "worker-x", "_metadata.old", "note", ".worker-1"]
    for name in [*others, "_metadata.part", "worker-17"]:
        (directory / name).touch()
    storage.delete()
    assert sorted(os.listdir(directory)) == sorted(others)


@as_root
@pytest.mark.parametrize("level", ["root", "run", "checkpoint"])
def test_a_link_in_place_of_a_directory_lets_nothing_be_deleted_or_planted(
    shared: Path, precious: Path, level: str
) -> None:
    root = shared / "root"
    storage = storage_in(root)
    place = storage.begin(1)
    files = write_files(place, [{"sum": OperatorSnapshot(own={"value": 1})}])
    # So that paths through links would lead to what there is.
    (precious.parent / "run").mkdir(0o700)
    (precious.parent / "run" / "chk-1").symlink_to(precious)
    (precious.parent / "root").mkdir(0o700)
    (precious.parent / "root" / JOB).symlink_to(precious.parent / "run")

    def swap() -> None:
        root.rename(shared / "away")
        if level == "root":
            root.symlink_to(precious.parent / "root")
        elif level == "run":
            root.mkdir()
            (root / JOB).symlink_to(precious.parent / "run")
        else:
            (root / JOB).mkdir(parents=True)
            (root / JOB / "chk-1").symlink_to(precious)

    as_stranger(swap)
    expect_no_harm(storage, place, files)
    expect_unharmed(precious)


def expect_no_harm(storage: CheckpointStorage, place: Place, files: tuple) -> None:
    """Does all that a job does with a checkpoint, which fails."""
    discard(place)
    with pytest.raises(StorageError):
        storage.begin(1)
    with pytest.raises(StorageError):
        write_files(place, [{}, {}])
    with pytest.raises(StorageError):
        storage.complete(metadata_of(1, files, 1, sum="Sum"), 1)
    damages: list[str] = []
    assert storage.newest(damages) is None
    assert len(damages) == 1
    storage.delete()


@as_root
def test_a_directory_that_is_another_users_lets_nothing_be_deleted_or_planted(shared: Path) -> None:
    root = shared / "root"
    storage = storage_in(root)
    place = storage.begin(1)
    files = write_files(place, [{"sum": OperatorSnapshot(own={"value": 1})}])

    def swap() -> None:
        root.rename(shared / "away")
        (root / JOB / "chk-1").mkdir(parents=True)
        (root / JOB / "chk-1" / "worker-7").touch()

    as_stranger(swap)
    expect_no_harm(storage, place, files)
    assert os.listdir(root / JOB / "chk-1") == ["worker-7"]


@as_root
@pytest.mark.parametrize("method", ["names", "delete", "create", "rename", "remove", "sync"])
def test_a_directory_that_is_swapped_after_it_was_checked_is_not_mistaken(
    shared: Path, precious: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    root = shared / "root"
    storage = storage_in(root)
    take(storage, 1)
    (precious.parent / "run").mkdir(0o700)
    (precious.parent / "empty").mkdir(0o700)
    (precious.parent / "run" / "chk-1").symlink_to(precious)
    (precious.parent / "run" / "chk-2").symlink_to(precious.parent / "empty")
    swapped: list[str] = []
    original = getattr(LocalDirectory, method)

    def swap() -> None:
        root.rename(shared / "away")
        root.mkdir()
        (root / JOB).symlink_to(precious.parent / "run")

    def swap_first(directory: LocalDirectory, *args: object) -> object:
        if not swapped:
            swapped.append(directory.path)
            as_stranger(swap)
        return original(directory, *args)

    monkeypatch.setattr(LocalDirectory, method, swap_first)
    try:
        take(storage, 2)
    except StorageError:
        pass
    storage.delete()
    assert swapped
    expect_unharmed(precious)
    assert os.listdir(precious.parent / "empty") == []


@as_root
def test_a_savepoint_is_not_completed_in_what_a_link_leads_to(shared: Path, precious: Path) -> None:
    root = shared / "root"
    place = begin_savepoint(str(root), JOB)
    files = write_files(place, [{"sum": OperatorSnapshot(own={"value": 1})}])
    (precious / METADATA).unlink()

    def swap() -> None:
        root.rename(shared / "away")
        root.mkdir()
        (root / place.names[0]).symlink_to(precious)

    as_stranger(swap)
    with pytest.raises(StorageError):
        write_metadata(place, metadata_of(1, files, 1, sum="Sum"))
    discard(place)
    assert sorted(os.listdir(precious)) == ["thesis", "worker-1"]


# --- whole trees -----------------------------------------------------------------------------------------------------


def test_a_tree_is_removed_and_what_its_links_lead_to_stays(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    tree = tmp_path / "tree"
    (tree / "below").mkdir(parents=True)
    tree.chmod(0o700)
    (tree / "below" / "file").touch()
    (tree / "below" / "link").symlink_to(tmp_path / "kept")
    (tree / "link").symlink_to(tmp_path / "kept" / "file")
    Place(str(tmp_path), ("tree",), "io.tmp.dirs").remove_tree()
    assert os.listdir(tmp_path) == ["kept"]
    assert os.listdir(tmp_path / "kept") == ["file"]


def test_a_link_to_a_tree_and_one_that_others_can_write_to_are_not_removed(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir(0o777)
    (tmp_path / "tree").chmod(0o777)
    (tmp_path / "tree" / "file").touch()
    (tmp_path / "link").symlink_to("tree")
    for name in ("tree", "link", "nowhere"):
        Place(str(tmp_path), (name,), "io.tmp.dirs").remove_tree()
    assert sorted(os.listdir(tmp_path)) == ["link", "tree"]
    assert os.listdir(tmp_path / "tree") == ["file"]
