"""A job whose workers run another Python is refused before it is sent, where that can be known."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from stream_engine.flink.worker_python import check_python
from stream_engine.job import ClusterUnusable

if TYPE_CHECKING:
    from pathlib import Path

MINE = ".".join(map(str, sys.version_info[:2]))


def interpreter(directory: Path, version: str, status: int = 0) -> str:
    path = directory / "python"
    path.write_text(f"#!/bin/sh\necho {version}\nexit {status}\n")
    path.chmod(0o755)
    return str(path)


def test_workers_of_this_machine_with_another_version_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClusterUnusable, match=rf"run Python 3\.2, and this machine {MINE}"):
        check_python(interpreter(tmp_path, "3.2"), here=True)


def test_workers_with_the_same_version_are_let_through(tmp_path: Path) -> None:
    check_python(interpreter(tmp_path, MINE), here=True)
    check_python(sys.executable, here=True)


def test_workers_whose_version_cannot_be_known_are_let_through(tmp_path: Path) -> None:
    check_python(interpreter(tmp_path, "3.2"), here=False)
    check_python("python", here=True)
    check_python(str(tmp_path / "elsewhere"), here=True)
    check_python(interpreter(tmp_path, "3.2", status=1), here=True)
