from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stream_engine.connectors.filesystem import FileStatus, resolve

if TYPE_CHECKING:
    from pathlib import Path


def test_a_path_is_taken_literally(tmp_path: Path) -> None:
    (tmp_path / "100%25 a.txt").write_text("x")

    file_system, path = resolve(str(tmp_path / "100%25 a.txt"))

    assert file_system.status(path) == FileStatus(directory=False, regular=True, size=1)


def test_a_relative_path_starts_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert resolve("a/../b:c.txt")[1] == str(tmp_path / "b:c.txt")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///tmp/a.txt", "/tmp/a.txt"),
        ("file:/tmp/a.txt", "/tmp/a.txt"),
        ("file://localhost/tmp/a.txt", "/tmp/a.txt"),
        ("FILE:///tmp/a.txt", "/tmp/a.txt"),
        ("file:///tmp/with%20space/%C3%A9.txt", "/tmp/with space/é.txt"),
        ("file:///tmp/not%an-escape?#.txt", "/tmp/not%an-escape?#.txt"),
        ("file:///tmp/%FF", "/tmp/\udcff"),
    ],
)
def test_a_file_url_is_a_percent_encoded_path(url: str, path: str) -> None:
    assert resolve(url)[1] == path


def test_what_pathlib_calls_the_url_of_a_path_is_that_path(tmp_path: Path) -> None:
    odd = tmp_path / "a b%20c?é#[1].txt"

    assert resolve(odd.as_uri())[1] == str(odd)


def test_a_file_url_with_two_slashes_says_how_many_it_needs() -> None:
    with pytest.raises(ValueError, match=r"file:///data/a\.txt"):
        resolve("file://data/a.txt")


@pytest.mark.parametrize("path", ["", "file:", "file://", "a\0b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        resolve(path)
