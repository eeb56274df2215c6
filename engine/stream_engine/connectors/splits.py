"""Finds the text files that a path means and divides them among subtasks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stream_engine.connectors.charsets import splits_at_newlines
from stream_engine.connectors.compression import is_compressed
from stream_engine.connectors.filesystem import resolve

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from stream_engine.connectors.filesystem import FileStatus, FileSystem

_PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class FileSplit:
    """The lines of a file that start in the bytes from ``start`` up to, not including, ``end``.

    ``end`` None means the whole file, read from its start to wherever it ends. ``size`` is then how many bytes it was
    when it was listed, compressed ones where they are; None when that cannot be told.
    """

    path: str
    start: int
    end: int | None
    size: int | None = field(default=None, compare=False)

    @property
    def stored_size(self) -> int | None:
        """How many bytes it has, as they are stored."""
        return self.size if self.end is None else self.end - self.start

    def part(self, index: int, count: int) -> FileSplit | None:
        """The ``index``-th of ``count`` parts of a split that has an end; None for an empty one."""
        assert self.end is not None
        start, end = (self.start + (self.end - self.start) * each // count for each in (index, index + 1))
        return FileSplit(self.path, start, end) if start < end else None


@dataclass(frozen=True)
class _File:
    path: str
    size: int
    divisible: bool


def list_splits(
    path: str | os.PathLike[str],
    parallelism: int,
    charset: str = "utf-8",
    on_skipped: Callable[[str], object] = lambda path: None,
) -> list[list[FileSplit]]:
    """The splits of each of ``parallelism`` subtasks, balanced by bytes.

    ``path`` is a file, a directory or a glob pattern (``**`` crosses directories). Of a directory its files are read,
    not those of its sub-directories, and none whose name begins with ``.`` or ``_``. Compressed files, and those of
    charsets in which a line's start cannot be found from the middle, are not divided. Of a directory, or of what a
    pattern matches, a link that leads nowhere or to itself is skipped: ``on_skipped`` gets its path.

    Raises FileNotFoundError, PermissionError, or ValueError for a path or charset that is not supported.
    """
    file_system, resolved = resolve(path)
    dividing = splits_at_newlines(charset)
    files: list[_File] = []
    for file, status in _find(file_system, resolved, on_skipped):
        if not file_system.readable(file):
            raise PermissionError(f"cannot read {file}: permission denied")
        if status.size > 0 or not status.regular:
            files.append(_File(file, status.size, dividing and status.regular and not is_compressed(file)))
    return _divide(files, parallelism)


def _find(file_system: FileSystem, path: str, on_skipped: Callable[[str], object]) -> Iterator[tuple[str, FileStatus]]:
    """The files that ``path`` means, each once, in the order of their paths."""
    status = file_system.status(path)
    if status is not None:
        yield from _files_at(file_system, path, status, on_skipped)
        return
    if not _PATTERN.search(path):
        raise FileNotFoundError(_nothing_at(file_system, path))
    matches = [(match, found) for match, found in file_system.matches(path) if not _is_hidden(match, path)]
    if not matches:
        raise FileNotFoundError(f"no file matches {path}")
    seen: set[str] = set()
    for match, status in matches:
        if status is None:
            on_skipped(match)
            continue
        for file, file_status in _files_at(file_system, match, status, on_skipped):
            if file not in seen:
                seen.add(file)
                yield file, file_status


def _files_at(
    file_system: FileSystem, path: str, status: FileStatus, on_skipped: Callable[[str], object]
) -> Iterator[tuple[str, FileStatus]]:
    if not status.directory:
        yield path, status
        return
    if not file_system.readable(path):
        raise PermissionError(f"cannot list the directory {path}: permission denied")
    for name, child_status in file_system.children(path):
        if not name.startswith((".", "_")):
            child = file_system.join(path, name)
            if child_status is None:
                on_skipped(child)
            elif child_status.regular:
                yield child, child_status


def _is_hidden(match: str, pattern: str) -> bool:
    """Whether a wildcard found a name that begins with ``_``; the other hidden names are not matched at all."""
    name, name_pattern = match.rstrip("/").rpartition("/")[2], pattern.rstrip("/").rpartition("/")[2]
    return name.startswith("_") and not name_pattern.startswith("_")


def _nothing_at(file_system: FileSystem, path: str) -> str:
    missing = path
    while (parent := file_system.parent(missing)) != missing and file_system.status(parent) is None:
        missing = parent
    if missing == path:
        return f"there is no file or directory {path}"
    return f"there is no file or directory {path} ({missing} does not exist either)"


def _divide(files: list[_File], parallelism: int) -> list[list[FileSplit]]:
    """Deals whole files first, the largest to the subtask with the least; then divisible files even out the loads.

    Every share is in the order of ``files``.
    """
    shares: list[list[FileSplit]] = [[] for _ in range(parallelism)]
    loads = [0] * parallelism
    whole = [file for file in files if not file.divisible]
    for file in sorted(whole, key=lambda file: -file.size):
        subtask = loads.index(min(loads))
        shares[subtask].append(FileSplit(file.path, 0, None, file.size or None))
        loads[subtask] += file.size

    rest = sum(file.size for file in files if file.divisible)
    room = _room_below_common_level(loads, rest)
    subtask = 0
    for file in files:
        start = 0
        while file.divisible and start < file.size:
            while room[subtask] == 0:
                subtask += 1
            end = min(file.size, start + room[subtask])
            shares[subtask].append(FileSplit(file.path, start, end))
            room[subtask] -= end - start
            start = end

    order = {file.path: index for index, file in enumerate(files)}
    for share in shares:
        share.sort(key=lambda split: (order[split.path], split.start))
    return shares


def _room_below_common_level(loads: list[int], amount: int) -> list[int]:
    """How to pour ``amount`` bytes on ``loads`` so that all that receive any end equal, to within a byte."""
    room = [0] * len(loads)
    lowest = sorted(range(len(loads)), key=lambda subtask: loads[subtask])
    for count in range(len(lowest), 0, -1):
        receivers = lowest[:count]
        level, surplus = divmod(amount + sum(loads[subtask] for subtask in receivers), count)
        if level >= loads[receivers[-1]]:
            for index, subtask in enumerate(receivers):
                room[subtask] = level - loads[subtask] + (index < surplus)
            break
    return room
