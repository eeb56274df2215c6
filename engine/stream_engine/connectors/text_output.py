"""Prepares the files that a job writes, or checks those that an earlier run has written; in the script's process."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from stream_engine.connectors.filesystem import resolve
from stream_engine.connectors.part import part_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from stream_engine.connectors.filesystem import FileStatus, FileSystem


def real_output(path: str | os.PathLike[str]) -> str:
    """The absolute path that the bytes of an output are in, links followed; a device or a pipe keeps its name.

    Raises ValueError for a path that means nothing, OSError for one that cannot be looked at.
    """
    file_system, resolved = resolve(path)
    status = file_system.status(resolved)
    return resolved if _is_stream(status) else file_system.real(resolved)


def check_output(path: str | os.PathLike[str], parallelism: int, overwrite: bool) -> None:
    """Raises what ``prepare_output`` would raise, and touches nothing."""
    file_system, resolved = resolve(path)
    status = file_system.status(resolved)
    if status is None or (parallelism == 1 and _is_stream(status)):
        return
    if not overwrite:
        raise FileExistsError(
            f"the output {resolved} exists already: delete it, write to another path, or say "
            "write_as_text(path, mode=WriteMode.OVERWRITE)"
        )
    if status.directory:
        _results_in(file_system, resolved, keep_directory=parallelism > 1)


def prepare_output(path: str | os.PathLike[str], parallelism: int, overwrite: bool) -> str:
    """Prepares the output of a job before it starts: an empty file for one writer, a directory for more.

    Returns the path for the writers; see ``real_output``. Missing parent directories are made. With
    ``overwrite`` an earlier result is deleted: a file, or of a directory those files that are named by a number, as
    writers name them. Nothing else is ever deleted. A device or a pipe is written to as it is.

    Raises FileExistsError when the path exists and ``overwrite`` is not given, or when what is there is not a result;
    other OSErrors when the path cannot be written to; ValueError when it means nothing.
    """
    check_output(path, parallelism, overwrite)
    file_system, named = resolve(path)
    resolved = real_output(path)
    status = file_system.status(resolved)
    if parallelism == 1 and _is_stream(status):
        return resolved
    if status is not None and status.directory:
        for result in _results_in(file_system, resolved, keep_directory=parallelism > 1):
            file_system.delete_file(result)
        if parallelism == 1:
            file_system.delete_directory(resolved)
    elif status is not None and parallelism > 1:
        file_system.delete_file(resolved)
    try:
        if parallelism == 1:
            file_system.make_directory(file_system.parent(resolved))
            file_system.create(resolved, exclusive=not overwrite).close()
        else:
            file_system.make_directory(resolved, exclusive=not overwrite)
    except OSError as error:
        raise OSError(error.errno, f"cannot write to {named}: {error.strerror}") from error
    return resolved


def check_resumed(path: str | os.PathLike[str], sizes: Mapping[int, int]) -> None:
    """Checks that the files of an output still hold what they held at a checkpoint; touches nothing.

    ``sizes`` are in bytes, by the index of the file's writer. Raises OSError for a file that is shorter, ValueError for
    a path that means nothing.
    """
    file_system, resolved = resolve(path)
    status = file_system.status(resolved)
    interrupted = status is None and _was_interrupted(file_system, resolved)
    if status is None and not interrupted and any(sizes.values()):
        total = sum(sizes.values())
        raise OSError(f"cannot resume {resolved}: at the checkpoint it had {total} bytes, which are not there")
    for index, size in sizes.items():
        file = file_system.join(resolved, str(index + 1))
        if status is not None and status.regular:
            file = resolved if index == 0 else file
        elif interrupted and index == 0:
            file = file_system.join(_aside(resolved), "1")
        found = file_system.status(file)
        if size and (found is None or found.size < size):
            there = "which are not there" if found is None else f"of which {found.size} are there"
            raise OSError(f"cannot resume {file}: at the checkpoint it had {size} bytes, {there}")


def resume_output(path: str | os.PathLike[str], parallelism: int) -> str:
    """Prepares the output of a job that resumes with its earlier results, perhaps with more or fewer writers.

    The file of a single writer becomes the first one of several. Raises OSError or ValueError as ``prepare_output``
    does.
    """
    file_system, named = resolve(path)
    resolved = real_output(path)
    status = file_system.status(resolved)
    aside = _aside(resolved)
    try:
        if status is None and _was_interrupted(file_system, resolved):
            file_system.rename(aside, resolved)
        elif parallelism > 1 and status is not None and status.regular:
            _refuse_strangers(file_system, aside)
            file_system.make_directory(aside)
            file_system.rename(resolved, file_system.join(aside, "1"))
            file_system.rename(aside, resolved)
        elif status is None:
            file_system.make_directory(resolved if parallelism > 1 else file_system.parent(resolved))
    except OSError as error:
        raise OSError(error.errno, f"cannot write to {named}: {error.strerror}") from error
    return resolved


def _is_stream(status: FileStatus | None) -> bool:
    """Whether it is a device or a pipe, which keeps nothing that could be overwritten or taken back."""
    return status is not None and not status.directory and not status.regular


def _aside(path: str) -> str:
    """The temporary path of the directory that replaces the file of a single writer."""
    return f"{path}.resumed"


def _was_interrupted(file_system: FileSystem, path: str) -> bool:
    """Whether an earlier run ended just before that directory replaced the file."""
    status = file_system.status(_aside(path))
    return status is not None and status.directory and file_system.names(_aside(path)) == ["1"]


def _refuse_strangers(file_system: FileSystem, aside: str) -> None:
    status = file_system.status(aside)
    if status is not None and (not status.directory or file_system.names(aside)):
        raise FileExistsError(
            errno.EEXIST, f"{aside} is in the way: move it, as the directory of results is made there"
        )


def _results_in(file_system: FileSystem, directory: str, keep_directory: bool) -> list[str]:
    """The files of several writers. Raises FileExistsError if there is anything else in their directory."""
    results: list[str] = []
    for name in file_system.names(directory):
        path = file_system.join(directory, name)
        status = file_system.status(path)
        if (is_result(name) or part_of(name) is not None) and status is not None and status.regular:
            results.append(path)
        elif not keep_directory or name.isdigit():
            raise FileExistsError(
                f"the output {directory} is a directory that holds more than results ({name}): nothing was deleted; "
                "move that away, or write to another path"
            )
    return results


def is_result(name: str) -> bool:
    """Whether it is a name that one of several writers gives its file: a number."""
    return name.isascii() and name.isdigit()
