"""The completions that shells get when somebody presses the tab key."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

import pytest
from terminal import Terminal

from pyflink_stream.cli import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from launched import Command

COMPLETION = "_PYFLINK_STREAM_COMPLETE"
SHELLS = pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])


class Answer(NamedTuple):
    kind: str
    value: str


def ask(shell: str, line: str) -> list[Answer]:
    """How the command line could continue at its end; bash divides words at ``=`` before.

    In this process: a shell that starts one is below.
    """
    words = (line.replace("=", " = ") if shell == "bash" else line).split(" ")
    last = len([word for word in words if word]) - bool(words[-1])
    position = words[-1] if shell == "fish" else str(last)
    asked = {COMPLETION: f"{shell}_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": position}
    out = TextIOWrapper(BytesIO(), "utf-8", write_through=True)
    with mock.patch.dict(os.environ, asked), redirect_stdout(out), pytest.raises(SystemExit) as end:
        parse([])
    assert end.value.code == 0
    out.seek(0)
    lines = out.read().rstrip("\n").splitlines()
    if shell == "zsh":
        return [Answer(kind, value) for kind, value in zip(lines[::3], lines[1::3], strict=True)]
    return [Answer(*line.partition("\t")[0].split(",", 1)) for line in lines]


def values(shell: str, line: str) -> list[str]:
    """The same, where only words of ours are expected."""
    answers = ask(shell, line)
    assert {answer.kind for answer in answers} <= {"plain"}
    return [answer.value for answer in answers]


def whole(shell: str, name: str, *expected: str) -> list[str]:
    """Values behind ``name=``: bash completes them alone, the others with what is before them."""
    return list(expected) if shell == "bash" else [f"{name}={value}" for value in expected]


@SHELLS
def test_options(shell: str) -> None:
    assert values(shell, "pyflink-stream --loc") == ["--local-debug"]
    assert {"--parallelism", "--conf-dir", "--explain", "--check"} <= set(values(shell, "pyflink-stream --"))


@SHELLS
@pytest.mark.parametrize(
    "line", ["pyflink-stream ", "pyflink-stream s", "pyflink-stream s.py ", "pyflink-stream -p 2 s"]
)
def test_script_and_packages_are_files(shell: str, line: str) -> None:
    assert [answer.kind for answer in ask(shell, line)] == ["file"]


@SHELLS
@pytest.mark.parametrize("last", ["", "--o", "-p "])
def test_what_follows_the_dash_is_the_scripts_and_at_best_a_file(shell: str, last: str) -> None:
    assert [answer.kind for answer in ask(shell, f"pyflink-stream s.py - {last}")] == ["file"]


@SHELLS
def test_the_configuration_is_in_a_directory(shell: str) -> None:
    assert [answer.kind for answer in ask(shell, "pyflink-stream -c ")] == ["dir"]


@SHELLS
def test_formats_of_plans_come_behind_an_equals_sign(shell: str) -> None:
    name = "--explain"
    assert values(shell, "pyflink-stream --explain=") == whole(shell, name, "text", "json", "dot", "mermaid")
    assert values(shell, "pyflink-stream --explain=j") == whole(shell, name, "json")
    assert [answer.kind for answer in ask(shell, "pyflink-stream --explain ")] == ["file"]


@SHELLS
def test_explain_is_completed_with_its_formats_and_without_a_blank(shell: str) -> None:
    formats = [f"--explain={form}" for form in ("text", "json", "dot", "mermaid")]
    assert values(shell, "pyflink-stream --exp") == ["--explain", *formats]


@SHELLS
def test_keys_of_the_configuration_come_with_their_defaults(shell: str) -> None:
    assert values(shell, "pyflink-stream -D pipeline.ob") == ["pipeline.object-reuse=false"]
    assert values(shell, "pyflink-stream -D execution.buffer") == ["execution.buffer-timeout=100ms"]
    assert values(shell, "pyflink-stream -D pipeline.na") == ["pipeline.name="]


@SHELLS
def test_values_of_keys_that_have_few(shell: str) -> None:
    key = "pipeline.object-reuse"
    assert values(shell, f"pyflink-stream -D {key}=") == whole(shell, key, "false", "true")
    key = "pipeline.end-of-input"
    assert values(shell, f"pyflink-stream -D {key}=d") == whole(shell, key, "drop")
    assert values(shell, "pyflink-stream -D pipeline.name=x") == []


@SHELLS
def test_parallelism_may_be_auto(shell: str) -> None:
    assert values(shell, "pyflink-stream -p ") == ["auto"]


# --- in shells ---

PROMPT = "what now? "
STARTS = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config", "-i"],
}
PREPARATIONS = {
    "bash": f"PS1='{PROMPT}'; eval \"$({COMPLETION}=bash_source pyflink-stream)\"",
    "zsh": f"autoload -Uz compinit; compinit -u -D; PS1='{PROMPT}'; eval \"$({COMPLETION}=zsh_source pyflink-stream)\"",
    "fish": f"{COMPLETION}=fish_source pyflink-stream | source; function fish_prompt; echo -n '{PROMPT}'; end",
}


@pytest.fixture
def path(command: Command) -> str:
    """A search path on which the launcher is a command."""
    launcher = command.write("bin/pyflink-stream", f'#!/bin/sh\nexec "{sys.executable}" -m pyflink_stream "$@"\n')
    launcher.chmod(0o755)
    return f"{launcher.parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def shell(request: pytest.FixtureRequest, command: Command, path: str) -> Iterator[Terminal]:
    """An interactive shell that has been told of the completion."""
    name: str = request.param
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    if name == "bash" and subprocess.run([program, "-c", "((BASH_VERSINFO[0] >= 5))"], check=False).returncode:
        pytest.skip("this bash is too old for completion by programs, as macOS's is")
    home: Path = command.directory
    terminal = Terminal([program, *STARTS[name]], home, {**command.environment, "PATH": path, "HOME": str(home)})
    terminal.type(PREPARATIONS[name] + "\n")
    terminal.until(PROMPT)
    # What was typed has the prompt in it, too.
    terminal.type("echo rea''dy\n")
    terminal.until("ready\n")
    terminal.until(PROMPT)
    yield terminal
    terminal.close()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"], indirect=True)
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("pyflink-stream --loc", "--local-debug"),
        ("pyflink-stream --explain=me", "--explain=mermaid"),
        ("pyflink-stream -D pipeline.object-reuse=t", "-D pipeline.object-reuse=true"),
        ("pyflink-stream bin/pyfl", "bin/pyflink-stream"),
        ("pyflink-stream s.py - bin/pyfl", "s.py - bin/pyflink-stream"),
    ],
)
def test_the_tab_key_completes(shell: Terminal, typed: str, completed: str) -> None:
    shell.type(f"{typed}\t")
    assert completed in shell.until(completed)


@pytest.mark.parametrize("shell", ["bash"], indirect=True)
def test_the_tab_key_leaves_no_blank_behind_explain(shell: Terminal) -> None:
    shell.type("pyflink-stream --exp\t")
    shell.until("lain")
    shell.type("=me\t")
    assert "=mermaid" in shell.until("=mermaid")
