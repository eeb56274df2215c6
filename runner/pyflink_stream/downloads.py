"""Scripts and packages that are named by URLs: copies on this machine, which last as long as the run."""

from __future__ import annotations

import atexit
import os
import shutil
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from pyflink_stream.program import ProgramNotFound
from stream_engine.connectors.filesystem import LocalFileSystem, resolve
from stream_engine.connectors.storage_options import configure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_engine.configuration import Configuration
    from stream_engine.connectors.filesystem import FileSystem

# Names of what Python makes of other files.
_DERIVED = ("__pycache__",)


def local_copies(urls: Sequence[str], configuration: Configuration) -> list[str]:
    """For each path or URL the path of the same on this machine. Raises ProgramNotFound for what is not there.

    ``configuration`` has the options of file systems.
    """
    configure(configuration)
    return [_local_copy(url) if "://" in url or url.startswith("file:") else url for url in urls]


def _local_copy(url: str) -> str:
    try:
        file_system, resolved = resolve(url)
        if isinstance(file_system, LocalFileSystem):
            return resolved
        status = file_system.status(resolved)
        if status is None:
            raise ProgramNotFound(f"{url}: there is no such file or directory")
        directory = mkdtemp(prefix="pyflink-stream-program-")
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        # By its own name, which is what it is imported by.
        copy = os.path.join(directory, resolved.rpartition("/")[2])
        _fetch(file_system, resolved, copy, status.directory)
        return copy
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ProgramNotFound(f"{url}: {reason}") from error


def _fetch(file_system: FileSystem, path: str, copy: str, is_directory: bool) -> None:
    if not is_directory:
        with file_system.open(path) as source, open(copy, "wb") as target:
            shutil.copyfileobj(source, target)
        return
    os.mkdir(copy)
    for name, status in file_system.children(path):
        if status is not None and name not in _DERIVED:
            _fetch(file_system, file_system.join(path, name), os.path.join(copy, name), status.directory)
