"""Checkpoints and savepoints on a remote store; here fsspec's own in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fsspec
import pytest
from kept import metadata_of, take, write_files

from stream_engine.checkpoints.metadata import METADATA, write_metadata
from stream_engine.checkpoints.owner_only import StorageError
from stream_engine.checkpoints.restoration import read_states
from stream_engine.checkpoints.storage import (
    CheckpointStorage,
    begin_savepoint,
    check_savepoint_root,
    checkpoint_root,
    find,
)
from stream_engine.operators.snapshot import OperatorSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = "memory:///checkpoints/of/jobs"
RUN = f"/checkpoints/of/jobs/{'f' * 32}"


@pytest.fixture
def store() -> Iterator[Any]:
    system: Any = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture
def storage(store: Any) -> CheckpointStorage:
    storage = CheckpointStorage(checkpoint_root(ROOT, "state.checkpoints.dir"), "f" * 32)
    storage.prepare()
    return storage


def value_in(found: tuple[str, Any] | None) -> Any:
    assert found is not None
    directory, metadata = found
    return read_states(directory, metadata, ["sum"], ["sum"], 0, 1)["sum"].own["value"]


def test_the_newest_complete_checkpoint_is_found_and_older_ones_go(storage: CheckpointStorage, store: Any) -> None:
    for number in range(1, 5):
        take(storage, number, {"number": number}, retained=2)
    write_files(storage.begin(5), [{"sum": OperatorSnapshot(own={"value": "incomplete"})}])

    assert value_in(storage.newest([])) == {"number": 4}
    assert sorted(name.rpartition("/")[2] for name in store.ls(RUN, detail=False)) == ["chk-3", "chk-4", "chk-5"]


@pytest.mark.parametrize("file", ["worker-1", METADATA])
def test_a_damaged_checkpoint_is_told_of_and_the_one_before_is_used(
    storage: CheckpointStorage, store: Any, file: str
) -> None:
    take(storage, 1, "old", retained=2)
    take(storage, 2, "new", retained=2)
    path = f"{RUN}/chk-2/{file}"
    content = store.cat(path)
    store.pipe_file(path, content[:-3] + b"xxx")
    damages: list[str] = []

    assert value_in(storage.newest(damages)) == "old"
    assert damages == [f"{ROOT}/{'f' * 32}/chk-2/{file} is damaged: its checksum is not that of its contents."]


def test_a_job_leaves_nothing_of_its_checkpoints_but_the_root(storage: CheckpointStorage, store: Any) -> None:
    take(storage, 1, "value")

    storage.delete()

    assert store.find("/") == []
    assert not store.exists(RUN)


def test_a_savepoint_is_found_by_its_url_or_that_of_its_metadata(store: Any) -> None:
    check_savepoint_root("memory:///savepoints")
    place = begin_savepoint("memory:///savepoints", "abcdef0123")
    files = write_files(place, [{"sum": OperatorSnapshot(own={"value": 7})}])
    write_metadata(place, metadata_of(3, files, 1, sum="Sum"))

    for url in (place.path, f"{place.path}/", f"{place.path}/{METADATA}"):
        directory, metadata = find(url)
        assert (directory, metadata.checkpoint) == (place.path, 3)
    assert value_in(find(place.path)) == 7


def test_the_newest_checkpoint_of_a_run_is_found_by_the_url_of_the_run(storage: CheckpointStorage) -> None:
    take(storage, 1, "old", retained=2)
    take(storage, 2, "new", retained=2)

    assert value_in(find(storage.directory)) == "new"


def test_where_there_is_no_savepoint_the_url_is_named(store: Any) -> None:
    with pytest.raises(StorageError, match=r"There is no savepoint or checkpoint memory:///none"):
        find("memory:///none")
