"""An HDFS of this machine for the benchmarks, and contestants that have a client for it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from peers import Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contest import Contestant

ROOT = Path(__file__).resolve().parents[2]
_PUT = """
import shutil, sys, fsspec
with open(sys.argv[1], "rb") as source, fsspec.open(sys.argv[2], "wb") as target:
    shutil.copyfileobj(source, target, 1 << 20)
"""


@contextmanager
def hdfs_with(python: str, text: Path, directory: Path) -> Iterator[str]:
    """Runs while the context lasts; the URL of a copy of ``text``. Raises Missing."""
    # The server of the tests, which is none of the peers.
    sys.path.append(str(ROOT / "tests" / "cluster"))
    from hdfs_server import Hdfs

    directory.mkdir(exist_ok=True)
    try:
        server = Hdfs(directory, python)
    except pytest.skip.Exception as skipped:
        raise Missing(str(skipped)) from None
    with server:
        url = f"{server.url}/text"
        subprocess.run([python, "-c", _PUT, str(text), url], check=True)
        yield url


def with_client(contestant: Contestant, python: str) -> Contestant:
    """The same with the Python that has the client."""
    path = os.pathsep.join(str(ROOT / name) for name in ("engine", "runner"))
    return replace(contestant, command=[python, *contestant.command[1:]], environment={"PYTHONPATH": path})
