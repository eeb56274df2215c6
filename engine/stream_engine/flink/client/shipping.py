"""What goes along with a job, so that its workers need apache-flink and nothing of ours: one archive.

| in the archive | what it is |
|---|---|
| ``lib/`` | this engine, the import paths of scripts, and what the launcher adds |
| ``program/`` | the script, its packages and data files |
| ``bin/python`` | starts the cluster's own Python with ``lib`` on its path |

Modules in ``lib`` go along compiled, too. It is named by its content but for that. Flink unpacks it once for each
Python worker.
"""

from __future__ import annotations

import os
import shlex
import shutil
import struct
import sys
import tempfile
from hashlib import sha256
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from typing import TYPE_CHECKING
from weakref import finalize
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import stream_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_ENGINE = os.path.dirname(os.path.dirname(os.path.abspath(stream_engine.__file__ or "")))
_PACKAGES = ("stream_engine", os.path.join("org", "apache", "flink"), "java")
# Python's hashes of user-defined keys are the same in all workers.
_LAUNCHER = """\
#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)
export PYTHONPATH="$here/lib${{PYTHONPATH:+:$PYTHONPATH}}" PYTHONHASHSEED=0 PYTHONUNBUFFERED=1
exec {python} "$@"
"""
# Of all files: the same content is to be the same archive.
_TIME = (1980, 1, 1, 0, 0, 0)


class Archive:
    """An archive at ``path``, to be unpacked into a directory called ``name``."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.directory = os.path.dirname(path)
        self.name = os.path.splitext(os.path.basename(path))[0]

    @property
    def python(self) -> str:
        """The interpreter of the workers, as Flink has to be told of it."""
        return f"{self.name}/bin/python"


class Archives:
    """Makes the archives of a script's jobs: another one only where a file has changed, or there are others.

    ``files`` gives those that the launcher adds, by their names in the archive; a directory stands for all that is in
    it. What was made is removed with this, or when the process ends.
    """

    def __init__(self, files: Callable[[], Iterable[tuple[str, str]]]) -> None:
        self._files = files
        self._directory = ""
        # What the last archive was made of, as far as the files' status tells, and that archive.
        self._seen: object = None
        self._last: Archive | None = None

    def pack(self, python: str) -> Archive:
        """That of the files as they are now. ``python`` is the interpreter of the cluster's workers. Raises OSError."""
        files = list(_all_files([*_engine(), *self._files()]))
        seen = python, [(name, path, _status_of(path)) for name, path in files]
        if self._last is None or seen != self._seen:
            if not self._directory:
                self._directory = tempfile.mkdtemp(prefix="pyflink-stream-")
                finalize(self, shutil.rmtree, self._directory, True)
            self._last = pack_archive(files, self._directory, python)
            self._seen = seen
        return self._last


def _status_of(path: str) -> tuple[int, ...]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _engine() -> list[tuple[str, str]]:
    return [(f"lib/{package}", os.path.join(_ENGINE, package)) for package in _PACKAGES]


def pack_archive(files: Iterable[tuple[str, str]], directory: str, python: str) -> Archive:
    """Makes the archive of ``files``, by their names in it, in ``directory``. Raises OSError."""
    contents = [("bin/python", _LAUNCHER.format(python=shlex.quote(python)).encode())]
    compiled: list[tuple[str, bytes]] = []
    for name, path in files:
        with open(path, "rb") as file:
            contents.append((name, file.read()))
        code = _compiled(path, contents[-1][1]) if name.startswith("lib/") and name.endswith(".py") else None
        if code is not None:
            compiled.append((_cache_of(name), code))
    digest = sha256()
    for name, data in contents:
        digest.update(f"{name} {len(data)}\n".encode())
        digest.update(data)
    path = os.path.join(directory, f"pyflink-stream-{digest.hexdigest()[:16]}.zip")
    if not os.path.exists(path):
        _write(path, [*contents, *compiled])
    return Archive(path)


def _compiled(path: str, source: bytes) -> bytes | None:
    """The code of a module, if it is at hand: workers with the same Python need not compile it, each anew."""
    try:
        status = os.stat(path)
        with open(cache_from_source(path), "rb") as file:
            code = file.read()
    except (OSError, NotImplementedError):
        return None
    made_of = MAGIC_NUMBER + struct.pack("<III", 0, int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF)
    if not code.startswith(made_of):
        return None
    # To be taken as it is: the times of unpacked files tell nothing.
    return MAGIC_NUMBER + struct.pack("<I", 1) + source_hash(source) + code[len(made_of) :]


def _cache_of(name: str) -> str:
    directory, _, file = name.rpartition("/")
    return f"{directory}/__pycache__/{file.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"


def _write(path: str, contents: Iterable[tuple[str, bytes]]) -> None:
    unfinished = f"{path}.{os.getpid()}"
    with ZipFile(unfinished, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in contents:
            info = ZipInfo(name, _TIME)
            info.compress_type = ZIP_DEFLATED
            info.external_attr = (0o755 if name.startswith("bin/") else 0o644) << 16
            archive.writestr(info, data)
    os.replace(unfinished, path)


def _all_files(entries: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, path in entries:
        if not os.path.isdir(path):
            yield name, path
            continue
        for directory, directories, files in os.walk(path, followlinks=True):
            directories[:] = sorted(each for each in directories if each != "__pycache__" and not each.startswith("."))
            inside = os.path.relpath(directory, path)
            for file in sorted(files):
                # Compiled for the Python of this machine.
                if not file.endswith((".pyc", ".pyo")):
                    yield os.path.normpath(os.path.join(name, inside, file)), os.path.join(directory, file)
