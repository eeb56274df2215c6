"""What workers do first for a program that the process of the tests runs; they import this module: it stays light."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyflink_stream.program import Program


def prepare(program: Program, directory: str) -> None:
    """Goes to the directory of the run, where a fork server of its own would have been started."""
    os.chdir(directory)
    program.install()
