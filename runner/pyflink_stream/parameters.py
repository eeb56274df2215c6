"""Finds parameters that were forgotten, or given without the bare ``-``. Imported when a main has failed."""

from __future__ import annotations

import linecache
import os
import shlex
import sys
from traceback import walk_tb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyflink_stream.imports import ProgramFinder
    from pyflink_stream.program import Program


def advice(program: Program, finder: ProgramFinder, error: BaseException) -> str:
    """What to do if ``main`` has failed for lack of parameters, without a full stop; otherwise empty.

    A script that exits with a status of its own may have had other reasons: the advice is then about packages only.
    """
    if len(program.argv) > 1:
        return ""
    exits = isinstance(error, SystemExit)
    if not (error.code not in (None, 0) if isinstance(error, SystemExit) else _wants_parameters(error, program.script)):
        return ""
    unused = [given for path, given in program.given.items() if not _is_used(path, finder)]
    if unused:
        called = "was taken as a PACKAGE" if len(unused) == 1 else "were taken as PACKAGES"
        used = [given for given in program.given.values() if given not in unused]
        line = shlex.join([program.argv[0], *used, "-", *unused])
        return f"{', '.join(unused)} {called}; a parameter of the script comes after a bare '-': {line}"
    if exits:
        return ""
    return f"The script was given no parameters; they come after a bare '-': {shlex.join(program.argv)} - PARAM"


def _wants_parameters(error: BaseException, script: str) -> bool:
    """Whether a line of the script that uses ``sys.argv`` has raised the error."""
    if not isinstance(error, IndexError | ValueError):
        return False
    frames = [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)]
    lines = [
        linecache.getline(frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_code.co_filename == script
    ]
    return bool(lines) and ("argv" in lines[-1] or frames[-1].endswith(os.path.join("api", "parameters.py")))


def _is_used(path: str, finder: ProgramFinder) -> bool:
    """Whether a package has been imported, or read as a data file; an archive always counts as used."""
    names = [name for name, location in finder.modules.items() if location == path]
    return path in finder.archives or path in finder.read or any(name in sys.modules for name in names)
