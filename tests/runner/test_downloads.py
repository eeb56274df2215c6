"""Scripts and packages that are named by URLs; here in fsspec's own store in memory, in this process alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from pyflink_stream.cli import parse
from pyflink_stream.downloads import local_copies
from pyflink_stream.program import Program, ProgramNotFound
from stream_engine.configuration import Configuration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from launched import Command


@pytest.fixture
def store() -> Iterator[Any]:
    system: Any = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def test_a_script_and_its_packages_are_copied_under_their_own_names(store: Any) -> None:
    store.pipe(
        {
            "/jobs/count.py": b"def main(factory): pass\n",
            "/lib/helper.py": b"A = 1\n",
            "/lib/deep/__init__.py": b"",
            "/lib/deep/part/inner.py": b"B = 2\n",
        }
    )

    script, *packages = local_copies(
        ["memory:///jobs/count.py", "memory:///lib/helper.py", "memory:///lib/deep"], Configuration()
    )

    program = Program(script, packages, [])
    assert program.name == "count"
    assert sorted(program.modules) == ["count", "deep", "helper"]
    with open(os.path.join(packages[1], "part", "inner.py"), "rb") as file:
        assert file.read() == b"B = 2\n"


def test_paths_of_this_machine_are_not_copied(tmp_path: Path) -> None:
    assert local_copies(["some/script.py", f"file://{tmp_path}/a.py"], Configuration()) == [
        "some/script.py",
        f"{tmp_path}/a.py",
    ]


def test_a_url_without_a_file_is_named(store: Any) -> None:
    with pytest.raises(ProgramNotFound, match=r"^memory:///none\.py: there is no such file or directory$"):
        local_copies(["memory:///none.py"], Configuration())


def test_a_script_by_url_runs(command: Command) -> None:
    path = command.write("s.py", "import helper\ndef main(factory): print(helper.A)\n")
    command.write("lib/helper.py", "A = 1\n")

    assert command.output(path.as_uri(), (command.directory / "lib" / "helper.py").as_uri()) == "1\n"


def test_what_is_at_a_url_cannot_be_watched(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(["--watch", "memory:///jobs/count.py"]) == 2
    assert "--watch sees changes of files of this machine only" in capsys.readouterr().err
