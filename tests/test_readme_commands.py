"""The commands in README, run as they are printed, give what is printed below them.

In its ``console`` blocks a line that begins with ``$`` is a command, and what follows is its output; ``...`` stands
for anything. A ``python`` block whose first line is the comment ``# name.py`` is a file that the commands use.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest
from launched import PATIENCE

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


class Example(NamedTuple):
    command: str
    output: str


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def examples() -> list[list[Example]]:
    """The commands of each block: those of one block belong together."""
    return [[Example(*found) for found in COMMAND.findall(block)] for block in blocks("console")]


def matches(expected: str, output: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in re.split(r"\.\.\.", expected))
    return re.fullmatch(pattern, output, re.DOTALL) is not None


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """This checkout, in a directory that tests may write to, with its ``.venv`` made already, of this Python."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "bin", root / "bin", symlinks=True)
    for name in ("conf", "engine", "examples", "runner", "README.md", "setup.cfg"):
        (root / name).symlink_to(ROOT / name)
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    roots = f"{ROOT / 'engine'}{os.pathsep}{ROOT / 'runner'}"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{roots}" exec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    (root / ".venv" / "installed").touch()
    for block in blocks("python"):
        name = re.match(r"# (\S+\.py)\n", block)
        assert name, f"a python block of README does not begin with the name of its file: {block}"
        (root / name[1]).write_text(block, encoding="utf-8")
    return root


@pytest.mark.parametrize("block", examples(), ids=lambda block: block[0].command)
def test_commands_give_what_readme_prints(checkout: Path, tmp_path: Path, block: list[Example]):
    for example in block:
        # when
        done = subprocess.run(
            ["sh", "-c", example.command.replace("/tmp/", f"{tmp_path}/")],
            cwd=checkout,
            env={name: value for name, value in os.environ.items() if name != "FLINK_CONF_DIR"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )

        # then
        if example.output:
            assert matches(example.output, done.stdout), f"{example}\n{done.stdout}"
        fails = re.search(r"Error|places? to change", example.output)
        assert done.returncode == bool(fails), done.stdout


def test_readme_has_commands_and_outputs():
    found = [example for block in examples() for example in block]

    assert any(example.command == "./bin/pyflink-stream.sh examples/word_count.py" for example in found)
    assert any(example.output for example in found)


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda script: script.name)
def test_readme_shows_every_example(script: Path):
    assert any(f"examples/{script.name}" in example.command for block in examples() for example in block)


def test_an_example_shows_its_first_command_as_it_is_run():
    header = dedent((ROOT / "examples" / "word_count.py").read_text(encoding="utf-8").split('"""')[1])

    assert f"    {examples()[0][0].command}\n" in header
