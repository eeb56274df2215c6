"""The commands in the pages, run as they are printed, give what is printed below them.

In a ``console`` block a line that begins with ``$`` is a command, which lines that begin with ``>`` continue; what
follows is its output, where ``...`` stands for anything. A ``python`` block whose first line is the comment
``# name.py`` is a file that commands use, on any page.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING, NamedTuple

import pytest
from launched import PATIENCE
from pages import PAGES, ROOT, blocks, name_of

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = re.compile(r"^\$ (.*\n(?:> .*\n)*)((?:(?!\$ ).*\n)*)", re.MULTILINE)


class Example(NamedTuple):
    command: str
    output: str


def examples(page: Path) -> list[list[Example]]:
    """The commands of each block: those of one block belong together."""
    return [
        [Example(command.strip().replace("\n> ", "\n"), output) for command, output in COMMAND.findall(block)]
        for block in blocks(page, "console")
    ]


def files() -> dict[str, str]:
    """The files that commands use, by their names."""
    found: dict[str, str] = {}
    for page in PAGES:
        for block in blocks(page, "python"):
            name = re.match(r"# (\S+\.py)\n", block)
            assert name, f"a python block of {name_of(page)} does not begin with the name of its file: {block}"
            assert name[1] not in found, f"two python blocks are called {name[1]}"
            found[name[1]] = block
    return found


def matches(expected: str, output: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in re.split(r"\.\.\.", expected))
    return re.fullmatch(pattern, output, re.DOTALL) is not None


def status_of(output: str) -> int:
    """The exit status of a command that prints this: a report of an error begins with its kind."""
    if re.search(r"^Error: ", output, re.MULTILINE):
        return 2
    return bool(re.search(r"^\w+Error: |places? to change", output, re.MULTILINE))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """This checkout, in a directory that tests may write to, with its ``.venv`` made already, of this Python."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "bin", root / "bin", symlinks=True)
    for name in ("conf", "engine", "examples", "pyproject.toml", "runner", "tests", "README.md", "setup.cfg"):
        (root / name).symlink_to(ROOT / name)
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    roots = f"{ROOT / 'engine'}{os.pathsep}{ROOT / 'runner'}"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{roots}" exec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    (root / ".venv" / "installed").touch()
    for name, text in files().items():
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(block, id=f"{name_of(page)}: {block[0].command.splitlines()[0]}")
        for page in PAGES
        for block in examples(page)
    ],
)
def test_commands_give_what_the_page_prints(checkout: Path, tmp_path: Path, block: list[Example]):
    for example in block:
        # when
        done = subprocess.run(
            ["sh", "-c", example.command.replace("/tmp/", f"{tmp_path}/")],
            cwd=checkout,
            env={name: value for name, value in os.environ.items() if name not in ("FLINK_CONF_DIR", "PYTHON")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )

        # then
        expected = example.output.replace("/tmp/", f"{tmp_path}/")
        assert matches(expected, done.stdout), f"{example}\n{done.stdout}"
        assert done.returncode == status_of(example.output), done.stdout


def test_every_block_of_commands_has_a_command():
    assert all(found for page in PAGES for found in examples(page))


def test_commands_use_every_file_of_the_pages():
    commands = " ".join(example.command for page in PAGES for block in examples(page) for example in block)

    assert [name for name in files() if name not in commands] == []


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda script: script.name)
def test_a_page_shows_every_example(script: Path):
    commands = [example.command for page in PAGES for block in examples(page) for example in block]

    assert any(f"examples/{script.name}" in command for command in commands)


def test_an_example_shows_its_first_command_as_it_is_run():
    header = dedent((ROOT / "examples" / "word_count.py").read_text(encoding="utf-8").split('"""')[1])

    assert f"    {examples(PAGES[0])[0][0].command}\n" in header
