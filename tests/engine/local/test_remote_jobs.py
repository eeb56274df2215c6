"""Jobs on workers whose files and checkpoints are in a remote store; here a directory that fsspec takes for one.

``dir://`` is below the directory of the option ``fs.dir.path``, which all processes of the job have to know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from launched import Launcher

PROGRAM = """
import os, sys

def fail_once(line):
    mark = os.path.join(sys.argv[2], "failed")
    if len(sys.argv) > 3 and line == "line 1500" and not os.path.exists(mark):
        open(mark, "x").close()
        os._exit(3)
    return line.upper()

def main(factory):
    env = factory.get_execution_environment()
    env.read_text_file(sys.argv[1]).map(fail_once).write_as_text("dir:///out")
    env.execute()
"""
LINES = [f"line {number}" for number in range(2000)]


def options(tmp_path: Path) -> list[str]:
    return ["-D", f"fs.dir.path={tmp_path / 'store'}", "-D", "fs.dir.target_protocol=file"]


def written(tmp_path: Path) -> list[str]:
    return sorted(line for path in (tmp_path / "store" / "out").iterdir() for line in path.read_text().splitlines())


@pytest.fixture
def text(tmp_path: Path) -> str:
    (tmp_path / "store" / "in").mkdir(parents=True)
    (tmp_path / "store" / "in" / "text").write_text("\n".join(LINES))
    return "dir:///in"


def test_workers_know_the_options_of_file_systems(launcher: Launcher, tmp_path: Path, text: str) -> None:
    done = launcher.run(PROGRAM, "-p", 2, *options(tmp_path), "-", text, tmp_path)

    assert (done.code, done.err) == (0, "")
    assert written(tmp_path) == sorted(map(str.upper, LINES))
    assert sorted(path.name for path in (tmp_path / "store" / "out").iterdir()) == ["1", "2"]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_part_files_have_each_line_once_although_a_worker_dies(
    launcher: Launcher, tmp_path: Path, text: str, parallelism: int
) -> None:
    checkpoints = ["-D", "execution.checkpointing.interval=10 ms", "-D", "state.checkpoints.dir=dir:///checkpoints"]
    restarts = ["-D", "restart-strategy=fixed-delay", "-D", "restart-strategy.fixed-delay.delay=0"]

    done = launcher.run(
        PROGRAM, "-p", parallelism, *options(tmp_path), *checkpoints, *restarts, "-", text, tmp_path, "fail"
    )

    assert done.code == 0, done.err
    assert "Restart 1 from " in done.err
    assert written(tmp_path) == sorted(map(str.upper, LINES))
    assert all(path.name.startswith("part-") for path in (tmp_path / "store" / "out").iterdir())
    assert list((tmp_path / "store" / "checkpoints").iterdir()) == []
