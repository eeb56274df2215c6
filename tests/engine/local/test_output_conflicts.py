"""Outputs that would damage each other, or what the job reads, are refused before a file is touched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stream_engine.api.files import WriteMode
from stream_engine.job import InvalidProgramException

if TYPE_CHECKING:
    from launched import Jobs


OVERWRITE = WriteMode.OVERWRITE


def refused(env: Any) -> str:
    with pytest.raises(InvalidProgramException) as raised:
        env.execute()
    return str(raised.value)


def line_with(text: str) -> int:
    """The first line of this file with ``text``, from 1."""
    return next(n for n, line in enumerate(Path(__file__).read_text().splitlines(), 1) if text in line)


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("other", ["out", "./sub/../out", "link", "hard", "above/out", "file:"])
def test_two_sinks_on_one_path_are_refused_with_both_lines(
    jobs: Jobs, tmp_path: Path, parallelism: int, other: str
) -> None:
    out = tmp_path / "out"
    out.write_text("theirs\n")
    (tmp_path / "link").symlink_to("out")
    (tmp_path / "hard").hardlink_to(out)
    (tmp_path / "above").symlink_to(tmp_path)
    env = jobs.environment(parallelism)
    words = env.from_elements("a")
    words.write_as_text(out, OVERWRITE).name("One")
    words.write_as_text(f"file://{out}" if other == "file:" else f"{tmp_path}/{other}", OVERWRITE).name("Two")
    told = refused(env)
    first, second = (line_with(f'.name("{name}")') for name in ("One", "Two"))
    assert told.startswith(f"'One', made at {__file__}:{first}, and 'Two', made at {__file__}:{second}, write to ")
    assert out.read_text() == "theirs\n"


@pytest.mark.parametrize(("inner", "widths"), [("out/2", (2, 1)), ("out/7/deep", (2, 2)), ("out/notes", (1, 1))])
@pytest.mark.parametrize("outer_first", [True, False])
def test_an_output_in_the_place_of_anothers_file_is_refused(
    jobs: Jobs, tmp_path: Path, inner: str, widths: tuple[int, int], outer_first: bool
) -> None:
    env = jobs.environment()
    words = env.from_elements("a").rebalance()
    sinks = [("out", widths[0]), (inner, widths[1])]
    for name, width in sinks if outer_first else reversed(sinks):
        words.write_as_text(tmp_path / name).set_parallelism(width)
    assert "their lines would be mixed or overwritten" in refused(env)
    assert list(tmp_path.iterdir()) == []


def test_outputs_that_keep_apart_are_written(jobs: Jobs, tmp_path: Path) -> None:
    env = jobs.environment()
    words = env.from_elements("a", "b")
    words.write_as_text(tmp_path / "out").set_parallelism(2)
    words.write_as_text(tmp_path / "out" / "notes")
    words.write_as_text(tmp_path / "out.1")
    for _ in range(2):
        words.write_as_text(os.devnull, OVERWRITE)
    env.execute()
    assert sorted(os.listdir(tmp_path / "out")) == ["1", "2", "notes"]
    assert (tmp_path / "out" / "notes").read_text() == (tmp_path / "out.1").read_text() == "a\nb\n"


@pytest.mark.parametrize("width", [1, 2])
def test_a_sink_on_the_file_that_the_job_reads_is_refused(jobs: Jobs, tmp_path: Path, width: int) -> None:
    (tmp_path / "words").write_text("a\nb\n")
    (tmp_path / "link").symlink_to("words")
    env = jobs.environment(width)
    env.read_text_file(str(tmp_path / "link")).name("Read").write_as_text(tmp_path / "words", OVERWRITE).name("Write")
    told = refused(env)
    assert told.startswith("'Read', made at ")
    assert f"read and write {tmp_path / 'words'}: what is read would be overwritten" in told
    assert (tmp_path / "words").read_text() == "a\nb\n"


def test_a_sink_on_the_directory_that_the_job_reads_is_refused(jobs: Jobs, tmp_path: Path) -> None:
    for name in "12":
        (tmp_path / name).write_text("a\n")
    env = jobs.environment(2)
    env.read_text_file(str(tmp_path)).write_as_text(tmp_path, OVERWRITE)
    assert "what is read would be overwritten" in refused(env)
    assert [(tmp_path / name).read_text() for name in "12"] == ["a\n", "a\n"]
