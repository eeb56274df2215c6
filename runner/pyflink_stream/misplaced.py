"""Finds a module that is in a package of the command line, and is imported as if it was one. Imported for a report."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyflink_stream.program import Program


def advice(program: Program, name: str | None) -> str:
    """What to do about a missing module ``name``, without a full stop; empty if no package has it."""
    for path, given in program.given.items():
        for file in (f"{name}.py", str(name)):
            if os.path.isdir(path) and os.path.exists(os.path.join(path, file)):
                package, inside = os.path.basename(path), os.path.join(given, file)
                return f"It is in the package {package}: import {package}.{name}, or name {inside} as a PACKAGE"
    return ""
