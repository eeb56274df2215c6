"""Runs programs with the real command, and tells the lines of their sinks apart."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).resolve().parent / "scripts"


class Run:
    """A finished run: its exit status, the lines of its standard output, and its standard error."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.lines = out.splitlines()
        self.err = err

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

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        path = [str(ROOT / "engine"), str(ROOT / "runner"), os.environ.get("PYTHONPATH", "")]
        self._environment = {name: value for name, value in os.environ.items() if name != "FLINK_CONF_DIR"}
        self._environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def call(self, *arguments: object) -> Run:
        """The command with these arguments, whatever comes of it."""
        done = subprocess.run(
            [sys.executable, "-m", "pyflink_stream", *map(str, arguments)],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    def succeed(self, *arguments: object) -> Run:
        """The command with these arguments; it must end well and say nothing on standard error."""
        run = self.call(*arguments)
        assert (run.status, run.err) == (0, ""), run.err
        return run

    def run(self, text: str, parallelism: int = 1, *params: object) -> Run:
        """The program ``text`` with ``params``; it must end well and say nothing on standard error."""
        return self.succeed("-p", parallelism, self.write("program.py", text), "-", *params)
