"""What runner/README.md says of deploying: the unit and its script run a job as told, and so do the image's steps."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE, rest_of
from pages import ROOT, blocks, named_block

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "runner" / "README.md"
PLACE = "/srv/totals"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("FLINK_CONF_DIR", "PYTHONPATH")}


# --- the service -----------------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The directory of the service: its script, a job with checkpoints every 50 ms, and the command."""
    directory = tmp_path / "totals"
    command = directory / "venv" / "bin" / "pyflink-stream"
    command.parent.mkdir(parents=True)
    roots = f"{ROOT / 'engine'}{os.pathsep}{ROOT / 'runner'}"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{roots}" exec "{sys.executable}" -m pyflink_stream "$@"\n')
    start = named_block(PAGE, "sh", "start.sh")
    assert "'10 s'" in start
    (directory / "start.sh").write_text(start.replace("'10 s'", "'50 ms'"))
    for program in (command, directory / "start.sh"):
        program.chmod(0o755)
    (directory / "job.py").write_text(named_block(ROOT / "engine" / "README.md", "python", "ticks.py"))
    return directory


def unit(place: Path) -> str:
    return named_block(PAGE, "ini", "totals.service").replace(PLACE, str(place))


def setting(place: Path, key: str) -> str:
    (value,) = (line.partition("=")[2] for line in unit(place).splitlines() if line.startswith(f"{key}="))
    return value


@contextmanager
def service(place: Path) -> Iterator[subprocess.Popen[str]]:
    """The program that the unit starts, whose output is the totals of its job."""
    with subprocess.Popen(
        setting(place, "ExecStart"),
        cwd=setting(place, "WorkingDirectory"),
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def totals(process: subprocess.Popen[str], count: int) -> list[int]:
    """The next lines of the output."""
    assert process.stdout
    return [int(process.stdout.readline()) for _ in range(count)]


def test_systemd_finds_no_fault_in_the_unit(place: Path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze here")
    path = place / "totals.service"
    path.write_text(unit(place))

    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)

    # It may find faults in other units of this machine.
    assert [line for line in done.stderr.splitlines() if "totals" in line] == []


def test_the_service_takes_a_savepoint_when_it_is_stopped_and_resumes_from_it(place: Path):
    with service(place) as first:
        before = totals(first, 4)
        first.send_signal(signal.SIGTERM)
        rest, log = rest_of(first)
    before += map(int, rest.split())
    with service(place) as second:
        after = totals(second, 2)

    assert (first.returncode, log.count("Savepoint: ")) == (0, 1)
    tick = len(before)
    assert before == [n * (n + 1) // 2 for n in range(1, tick + 1)]
    assert after == [before[-1] + tick + 1, before[-1] + 2 * tick + 3]


def test_the_service_resumes_from_a_checkpoint_when_it_was_killed(place: Path):
    with service(place) as first:
        while not any((place / "state").glob("*/chk-*/_metadata")):
            totals(first, 1)
        first.kill()
    with service(place) as second:
        after = totals(second, 1)

    assert after[0] > 1


# --- the image -------------------------------------------------------------------------------------------------------


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A directory in the place of an image's root, with a Python that has the libraries but not this project."""
    root = tmp_path / "image"
    python = root / "venv" / "bin" / "python"
    venv.create(root / "venv", symlinks=True)
    pip = python.with_name("pip")
    pip.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pip --python "{python}" "$@"\n')
    pip.chmod(0o755)
    libraries = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    (Path(libraries.strip()) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return root


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A clean copy of the checkout."""
    copy = tmp_path / "context"
    for directory in ("bin", "conf", "engine", "examples", "runner"):
        leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
        shutil.copytree(ROOT / directory, copy / directory, symlinks=True, ignore=leave_out)
    for name in ("setup.cfg", "setup.py", "pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, copy)
    return copy


def test_the_steps_of_the_image_run_and_its_command_runs_the_job(image: Path, context: Path):
    # given
    (dockerfile,) = blocks(PAGE, "dockerfile")
    # Nothing is downloaded here: what the steps would install besides the project is there.
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    environment = {**ENVIRONMENT, **offline, "PATH": f"{image / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    base, *steps, (last, arguments) = [line.split(maxsplit=1) for line in dockerfile.splitlines()]
    place = image

    # when
    for step, argument in steps:
        if step == "WORKDIR":
            place = image / argument.lstrip("/")
            place.mkdir(parents=True, exist_ok=True)
        elif step == "COPY":
            what, where = argument.split()
            where = image / where.lstrip("/") if where.startswith("/") else place / where
            subprocess.run(["cp", "-R", context / what, where], check=True)
        else:
            assert step == "RUN"
            subprocess.run(
                ["sh", "-c", argument.replace("/src", f"{image}/src")], cwd=place, env=environment, check=True
            )
    done = subprocess.run(
        json.loads(arguments), cwd=place, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )

    # then
    assert (len(dockerfile.splitlines()), base[0], last) == (6, "FROM", "CMD")
    assert (done.returncode, done.stderr) == (0, "")
    assert "(4, 'river')" in done.stdout
