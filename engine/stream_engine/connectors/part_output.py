"""Text outputs on stores whose files cannot be cut: part files, each of which shows once a checkpoint counts it.

Writer 3 of an output writes ``.part-3-0``, ``.part-3-1`` and so on into its directory. A name that begins with a dot is
hidden: nobody reads it as a result. ``part-3-0`` without the dot is a result for good. So at a checkpoint the number of
parts that each writer has begun says all: those below it count, those from there on do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.connectors.filesystem import resolve
from stream_engine.connectors.part import Part, part_of
from stream_engine.connectors.text_output import is_result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream_engine.connectors.filesystem import FileSystem


def parts_in(file_system: FileSystem, directory: str) -> list[Part]:
    """Those in a directory, which need not exist; in order."""
    try:
        names = file_system.names(directory)
    except FileNotFoundError:
        return []
    return sorted(part for part in map(part_of, names) if part is not None)


def check_parts_output(path: str, overwrite: bool) -> None:
    """Raises what ``prepare_parts_output`` would raise of what exists, and touches nothing."""
    file_system, resolved = resolve(path)
    if file_system.status(resolved) is not None and not overwrite:
        raise FileExistsError(
            f"the output {resolved} exists already: delete it, write to another path, or say "
            "write_as_text(path, mode=WriteMode.OVERWRITE)"
        )


def prepare_parts_output(path: str, overwrite: bool) -> str:
    """Makes the directory for the parts, and gives its URL. With ``overwrite`` an earlier result is deleted.

    That is a file, or those files in a directory that are named as writers name them. Raises FileExistsError when the
    path exists and ``overwrite`` is not given, other OSErrors when it cannot be written to.
    """
    check_parts_output(path, overwrite)
    file_system, resolved = resolve(path)
    status = file_system.status(resolved)
    if status is not None and not status.directory:
        file_system.delete_file(resolved)
    elif status is not None:
        for name in file_system.names(resolved):
            if is_result(name) or part_of(name) is not None:
                file_system.delete_file(file_system.join(resolved, name))
    return resume_parts_output(path)


def resume_parts_output(path: str) -> str:
    """As ``prepare_parts_output``, of an output whose parts stay."""
    file_system, resolved = resolve(path)
    try:
        file_system.make_directory(resolved)
    except OSError as error:
        raise OSError(error.errno, f"cannot write to {resolved}: {error.strerror}") from error
    return resolved


def check_resumed_parts(path: str, counts: Mapping[int, int]) -> None:
    """Checks that the parts are there that a checkpoint counts: so many of each writer, by its index.

    Touches nothing. Raises OSError where one is missing.
    """
    file_system, resolved = resolve(path)
    check_counted(resolved, parts_in(file_system, resolved), counts)


def check_counted(directory: str, parts: list[Part], counts: Mapping[int, int]) -> None:
    """As ``check_resumed_parts``, of ``parts`` that were found."""
    there = {part.shown() for part in parts}
    for index, count in counts.items():
        for number in range(count):
            part = Part(index, number, hidden=False)
            if part not in there:
                raise OSError(
                    f"cannot resume {directory}: the checkpoint counts its file {part.name}, which is not there"
                )
