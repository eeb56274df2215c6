"""Text written in part files, which show when a checkpoint counts them; here in fsspec's own store in memory."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import pytest
from stores import memory

from stream_engine.connectors.part_output import (
    check_resumed_parts,
    prepare_parts_output,
    resume_parts_output,
)
from stream_engine.connectors.part_writer import PartWriter
from stream_engine.connectors.splits import list_splits
from stream_engine.connectors.text_output import prepare_output

if TYPE_CHECKING:
    from collections.abc import Iterator

OUT = "memory:///out"


@pytest.fixture
def store() -> Iterator[Any]:
    with memory() as system:
        yield system


def names(store: Any) -> list[str]:
    return sorted(path.rpartition("/")[2] for path in store.find("/out"))


def readable(store: Any) -> list[str]:
    """The lines that a job reads there."""
    return sorted(
        line
        for split in list_splits(OUT, 1)[0]
        for line in store.cat_file(split.path.removeprefix("memory://")).decode().splitlines()
    )


def test_lines_show_when_the_checkpoint_that_counts_them_is_complete(store: Any) -> None:
    prepare_parts_output(OUT, overwrite=False)
    writer = PartWriter(OUT, 0, 1)

    writer.write(["a", "b"])
    position = writer.position()
    writer.write(["c"])

    assert (names(store), readable(store)) == ([".part-1-0"], [])
    writer.complete(position)
    assert (names(store), readable(store)) == (["part-1-0"], ["a", "b"])
    writer.complete(writer.position())
    assert readable(store) == ["a", "b", "c"]


def test_a_checkpoint_without_new_lines_makes_no_part(store: Any) -> None:
    prepare_parts_output(OUT, overwrite=False)
    writer = PartWriter(OUT, 0, 1)
    writer.write(["a"])

    assert [writer.position() for _ in range(3)] == [1, 1, 1]
    assert names(store) == [".part-1-0"]


def test_many_lines_become_several_parts_which_one_checkpoint_shows(store: Any) -> None:
    prepare_parts_output(OUT, overwrite=False)
    writer = PartWriter(OUT, 1, 2, size=100)

    for number in range(50):
        writer.write([f"line {number:04}"])

    assert len(names(store)) == 5
    assert all(name.startswith(".part-2-") for name in names(store))
    writer.complete(writer.position())
    assert readable(store) == [f"line {number:04}" for number in range(50)]


def test_after_a_restore_parts_that_count_show_and_later_ones_are_gone(store: Any) -> None:
    prepare_parts_output(OUT, overwrite=False)
    store.pipe({f"/out/{name}": name.encode() for name in ("part-1-0", ".part-1-1", ".part-1-2", "part-1-3")})

    writer = PartWriter(OUT, 0, 1, positions={0: 2})

    assert names(store) == ["part-1-0", "part-1-1"]
    writer.write(["next"])
    assert writer.position() == 3
    assert ".part-1-2" in names(store)


def test_the_first_writer_settles_parts_of_writers_that_are_gone(store: Any) -> None:
    prepare_parts_output(OUT, overwrite=False)
    store.pipe({f"/out/{name}": b"x" for name in ("part-1-0", ".part-2-0", ".part-3-0", ".part-3-1", ".part-4-0")})

    PartWriter(OUT, 0, 2, positions={0: 1, 2: 1})

    # That of the second writer is the second writer's business.
    assert names(store) == [".part-2-0", "part-1-0", "part-3-0"]


def test_without_a_checkpoint_a_new_attempt_begins_anew(store: Any) -> None:
    prepare_parts_output(OUT, overwrite=False)
    store.pipe({"/out/.part-1-0": b"x", "/out/other": b"kept"})

    PartWriter(OUT, 0, 1)

    assert names(store) == ["other"]


def test_a_writer_that_is_stopped_deletes_what_no_checkpoint_can_count(store: Any) -> None:
    prepare_parts_output(OUT, overwrite=False)
    writer = PartWriter(OUT, 0, 1, size=1)
    writer.write(["may be counted"])
    writer.position()
    writer.write(["cannot be counted"])

    writer.close()

    assert names(store) == [".part-1-0"]


def test_a_missing_part_is_named_before_anything_is_touched(store: Any) -> None:
    prepare_parts_output(OUT, overwrite=False)
    store.pipe({"/out/part-1-0": b"x", "/out/.part-1-5": b"x"})

    for resume in (lambda: check_resumed_parts(OUT, {0: 2}), lambda: PartWriter(OUT, 0, 1, positions={0: 2})):
        with pytest.raises(OSError, match=r"cannot resume memory:///out: .* file part-1-1, which is not there"):
            resume()
    assert names(store) == [".part-1-5", "part-1-0"]


def test_an_existing_output_is_refused_unless_it_is_to_be_overwritten(store: Any) -> None:
    store.pipe({"/out/part-1-0": b"x", "/out/.part-2-7": b"x", "/out/3": b"x", "/out/notes": b"kept"})

    with pytest.raises(FileExistsError, match="the output memory:///out exists already"):
        prepare_parts_output(OUT, overwrite=False)
    prepare_parts_output(OUT, overwrite=True)

    assert names(store) == ["notes"]
    assert resume_parts_output(OUT) == OUT


def test_an_output_in_parts_can_be_overwritten_by_one_that_is_not(store: Any) -> None:
    store.pipe({"/out/part-1-0": b"x", "/out/.part-2-7": b"x"})

    prepare_output(OUT, 1, overwrite=True)

    assert store.cat_file("/out") == b""


def test_a_part_that_cannot_be_written_is_named(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_parts_output(OUT, overwrite=False)
    writer = PartWriter(OUT, 0, 1)

    def refuse(self: Any, path: str, data: bytes) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(type(store), "pipe_file", refuse)
    writer.write(["a"])

    with pytest.raises(OSError, match=r"cannot write to memory:///out/\.part-1-0: Read-only file system"):
        writer.position()
