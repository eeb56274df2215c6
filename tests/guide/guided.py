"""Runs programs, and tells the lines of their sinks apart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from launched import Command, Done

SCRIPTS = Path(__file__).resolve().parent / "scripts"


class Run:
    """A finished run: its exit code, the lines of its standard output, and its standard error."""

    def __init__(self, done: Done) -> None:
        self.code = done.code
        self.lines = done.lines
        self.err = done.err

    def records(self, identifier: str | None = None) -> list[str]:
        """What ``output(identifier)`` wrote, without identifier and subtask, sorted."""
        return sorted(record for _, record in self.numbered(identifier))

    def subtasks(self, identifier: str | None = None) -> set[int]:
        """The numbers of the instances that wrote; 1 where there is but one."""
        return {subtask for subtask, _ in self.numbered(identifier)}

    def numbered(self, identifier: str | None = None) -> list[tuple[int, str]]:
        """The subtask and the record of each line, in order."""
        prefix = r"(?:(\d+)> )?" if identifier is None else rf"{re.escape(identifier)}(?::(\d+))?> "
        matches = (re.fullmatch(prefix + "(.*)", line) for line in self.lines)
        return [(int(match[1] or 1), match[2]) for match in matches if match]


class Guide:
    """A directory with programs in it, and the command that runs them."""

    def __init__(self, command: Command) -> None:
        self.directory = command.directory
        self._command = command

    def write(self, name: str, text: str) -> Path:
        return self._command.write(name, text)

    def call(self, *arguments: object) -> Run:
        """The command with these arguments, whatever comes of it."""
        return Run(self._command.run(*arguments))

    def succeed(self, *arguments: object) -> Run:
        """The command with these arguments; it must end well and say nothing on standard error."""
        run = self.call(*arguments)
        assert (run.code, run.err) == (0, ""), run.err
        return run

    def run(self, text: str, parallelism: int = 1, *params: object) -> Run:
        """The program ``text`` with ``params``; it must end well and say nothing on standard error."""
        return self.succeed("-p", parallelism, self.write("program.py", text), "-", *params)
