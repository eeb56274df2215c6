"""Running from a checkout: bin/pyflink-stream.sh, and the .venv that its first use makes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import pytest
from launched import PATIENCE

ROOT = Path(__file__).parents[2]
FIRST_USE = "first use"

# Stands for the launcher: says how it was started.
LAUNCHER = """
import json, os, sys
import greeting, stream_engine
print(json.dumps({
    "args": sys.argv[1:], "path": sys.path, "prefix": sys.prefix,
    "environment": dict(os.environ), "input": sys.stdin.read(),
}))
"""


class Checkout:
    """A checkout with the real ``bin``, whose launcher and single dependency are the tests' own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.stamp = self.venv / "installed"

    @classmethod
    def create(cls, root: Path) -> Checkout:
        shutil.copytree(ROOT / "bin", root / "bin", symlinks=True)
        (root / "engine").mkdir()
        (root / "engine" / "stream_engine.py").touch()
        (root / "runner" / "pyflink_stream").mkdir(parents=True)
        (root / "runner" / "pyflink_stream" / "__main__.py").write_text(LAUNCHER)
        checkout = cls(root)
        checkout.require(package(root, "greeting"))
        return checkout

    def require(self, *requirements: str) -> None:
        lines = "".join(f"\n    {requirement}" for requirement in requirements)
        settings = self.root / "setup.cfg"
        settings.write_text(f"[options]\ninstall_requires ={lines}\n[options.extras_require]\n")
        if self.stamp.exists():
            # A shell may compare whole seconds.
            later = self.stamp.stat().st_mtime + 1
            os.utime(settings, (later, later))

    def start(self, *args: str, script: Path | str = "", **options: Any) -> subprocess.Popen[str]:
        command = [script or self.root / "bin" / "pyflink-stream.sh", *args]
        options = {"env": {**os.environ, "PYTHON": sys.executable}, "stdin": subprocess.DEVNULL, **options}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def run(self, *args: str, **options: Any) -> Outcome:
        return Outcome(self.start(*args, **options))


class Outcome:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.stdout, self.stderr = process.communicate(timeout=PATIENCE)
        self.status = process.returncode

    @property
    def launcher(self) -> dict[str, Any]:
        """What the launcher says of itself."""
        assert self.status == 0, self.stderr
        return json.loads(self.stdout)


def package(directory: Path, name: str) -> str:
    """A requirement that is met by a file, without any network."""
    wheel = directory / f"{name}-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return f"{name} @ {wheel.as_uri()}"


@pytest.fixture
def fresh(tmp_path: Path) -> Checkout:
    """A checkout that was never used."""
    return Checkout.create(tmp_path / "fresh checkout")


class FirstUses(NamedTuple):
    """A checkout, and what came of three first uses of it at the same time; each was given a text."""

    checkout: Checkout
    outcomes: list[Outcome]


@pytest.fixture(scope="module")
def first_uses(tmp_path_factory: pytest.TempPathFactory) -> FirstUses:
    directory = tmp_path_factory.mktemp("used")
    checkout = Checkout.create(directory / "used checkout")
    (directory / "input").write_text("for the program")
    with ExitStack() as files:
        environment = {**os.environ, "PYTHON": sys.executable, "PYTHONDONTWRITEBYTECODE": "1"}
        inputs = [files.enter_context((directory / "input").open()) for _ in range(3)]
        started = [checkout.start(stdin=each, env=environment) for each in inputs]
        return FirstUses(checkout, [Outcome(process) for process in started])


@pytest.fixture(scope="module")
def used(first_uses: FirstUses) -> Checkout:
    """A checkout with its .venv. Not to be changed."""
    return first_uses.checkout


def wrapper(path: Path, setup: str) -> Path:
    """A Python that runs ``setup`` before ``venv.py``, and takes for granted that it suits."""
    start = f"import runpy, shutil, sys, venv; {setup}; sys.argv[:] = sys.argv[2:]; "
    run = "runpy.run_path(sys.argv[0], run_name='__main__') if sys.argv[0].endswith('venv.py') else None"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{start}{run}" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def quick(used: Checkout, tmp_path: Path) -> dict[str, str]:
    """The variables for a Python that copies pip from another environment: ensurepip takes seconds."""
    (pip,) = used.venv.glob("lib/python*/site-packages/pip")
    copied = f"shutil.copytree('{pip}', context.env_dir + '/{pip.relative_to(used.venv)}')"
    setup = f"venv.EnvBuilder._setup_pip = lambda _, context: {copied}"
    return {**os.environ, "PYTHON": str(wrapper(tmp_path / "quick-python", setup))}


@pytest.fixture
def changeable(used: Checkout, tmp_path: Path) -> Checkout:
    """A checkout with its .venv, for one test alone."""
    return Checkout(Path(shutil.copytree(used.root, tmp_path / "changeable", symlinks=True)))


def test_the_first_use_makes_the_venv_and_says_what_it_waits_for(first_uses: FirstUses) -> None:
    first = next(outcome for outcome in first_uses.outcomes if FIRST_USE in outcome.stderr)
    venv = first_uses.checkout.venv

    assert first.launcher["prefix"] == str(venv)
    assert first.launcher["input"] == "for the program"
    assert first.stderr.count("\n") == 2
    assert "waiting for pip, which installs into " in first.stderr
    assert first.stderr.endswith("what setup.cfg requires: greeting\n")
    assert str(venv) in first.stderr


def test_first_uses_at_the_same_time_share_one_venv(first_uses: FirstUses) -> None:
    outcomes = first_uses.outcomes

    assert [outcome.status for outcome in outcomes] == [0, 0, 0], outcomes[0].stderr
    assert [outcome.launcher["input"] for outcome in outcomes] == ["for the program"] * 3
    assert sum(FIRST_USE in outcome.stderr for outcome in outcomes) == 1


def test_the_first_use_compiles_the_project_for_users_who_cannot(used: Checkout) -> None:
    (compiled,) = (used.root / "engine" / "__pycache__").iterdir()
    assert compiled.name.startswith("stream_engine.")
    assert (used.root / "runner" / "pyflink_stream" / "__pycache__").is_dir()


def test_a_later_use_says_nothing_and_changes_nothing(used: Checkout) -> None:
    before = used.stamp.stat().st_mtime_ns

    later = used.run()

    assert later.launcher["prefix"] == str(used.venv)
    assert later.stderr == ""
    assert used.stamp.stat().st_mtime_ns == before


def test_arguments_arrive_as_they_were_given(used: Checkout) -> None:
    args = ["s.py", "-", "--flag", "two words", "", "*", "$HOME", 'a"b', "\\n", "-"]

    assert used.run(*args).launcher["args"] == args


def test_the_environment_is_the_callers(used: Checkout) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHON": "whatever", "LANG": "C.UTF-8"}

    found = used.run(env=environment).launcher["environment"]

    # PWD and _ are the shell's, LC_CTYPE and __CF_... Python's and macOS's own.
    added = {name for name in found if name not in environment and not name.startswith("__CF")}
    assert added <= {"PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}
    assert {name: found[name] for name in environment} == environment


def test_modules_of_the_working_directory_are_not_seen(used: Checkout, tmp_path: Path) -> None:
    for name in ("greeting", "json", "pyflink_stream", "runpy", "types"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('of the working directory')")

    path = used.run(cwd=tmp_path).launcher["path"]

    assert not {"", ".", str(tmp_path)} & set(path)


@pytest.mark.parametrize("name", ["pyflink-stream", "pyflink-stream.sh"])
def test_the_checkout_is_found_through_links(used: Checkout, tmp_path: Path, name: str) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "relative").symlink_to(os.path.relpath(used.root / "bin" / name, tmp_path / "far"))
    (tmp_path / "absolute").symlink_to(tmp_path / "far" / "relative")

    through_links = used.run("x", script=tmp_path / "absolute", cwd=tmp_path)

    assert through_links.launcher["prefix"] == str(used.venv)
    assert through_links.launcher["args"] == ["x"]


@pytest.mark.parametrize("script", ["./pyflink-stream", "../bin/pyflink-stream.sh"])
def test_the_command_can_be_named_by_a_relative_path(used: Checkout, script: str) -> None:
    assert used.run(script=script, cwd=used.root / "bin").launcher["prefix"] == str(used.venv)


def test_the_script_can_be_given_to_a_shell_by_its_bare_name(used: Checkout) -> None:
    assert used.run("pyflink-stream.sh", script="sh", cwd=used.root / "bin").launcher["prefix"] == str(used.venv)


def test_a_moved_checkout_needs_no_new_venv(changeable: Checkout, tmp_path: Path) -> None:
    moved = Checkout(changeable.root.rename(tmp_path / "moved"))

    outcome = moved.run()

    assert outcome.stderr == ""
    assert {str(moved.root / "engine"), str(moved.root / "runner")} <= set(outcome.launcher["path"])


def test_another_environment_whose_making_was_killed_is_made_beside_the_venv(
    changeable: Checkout, quick: dict[str, str]
) -> None:
    # Given an environment of another name that was being made when all that made it was killed
    before = changeable.stamp.read_bytes()
    other = changeable.root / ".venv-other"
    making = "--in", other.name
    script = changeable.root / "bin" / "venv.sh"
    killed = changeable.start(*making, script=script, env=quick, start_new_session=True)
    deadline = time.monotonic() + PATIENCE
    while not (other / "bin" / "python").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert not (other / "installed").exists()

    # When it is wanted again
    outcome = changeable.run(*making, script=script, env=quick)

    # Then it is made anew, and nothing else is
    assert outcome.status == 0, outcome.stderr
    assert FIRST_USE in outcome.stderr
    command = [other / "bin" / "python", "-c", "import greeting, stream_engine, sys; print(sys.prefix)"]
    assert subprocess.check_output(command, text=True) == f"{other}\n"
    assert changeable.stamp.read_bytes() == before


def test_a_failed_installation_says_why_and_is_tried_again(changeable: Checkout) -> None:
    missing = changeable.root / "missing-1.0-py3-none-any.whl"
    changeable.require(f"missing @ {missing.as_uri()}")

    failed = changeable.run()
    package(changeable.root, "missing")
    again = changeable.run()

    assert failed.status == 1
    assert failed.stdout == ""
    assert missing.name in failed.stderr
    assert "pyflink-stream: cannot install into" in failed.stderr
    assert again.launcher["prefix"] == str(changeable.venv)


def test_a_new_dependency_in_setup_cfg_is_installed(changeable: Checkout) -> None:
    kept = changeable.venv / "of the user"
    kept.touch()
    launcher = changeable.root / "runner" / "pyflink_stream" / "__main__.py"
    launcher.write_text("import farewell\n" + LAUNCHER)
    changeable.require(package(changeable.root, "greeting"), package(changeable.root, "farewell"))

    updating = changeable.run()
    later = changeable.run()

    assert updating.launcher["prefix"] == str(changeable.venv)
    assert "what setup.cfg requires" in updating.stderr
    assert (later.status, later.stderr) == (0, "")
    assert kept.exists()


def test_a_setup_cfg_that_is_merely_newer_is_no_reason_to_install(changeable: Checkout) -> None:
    later = changeable.stamp.stat().st_mtime + 1
    os.utime(changeable.root / "setup.cfg", (later, later))

    assert changeable.run().stderr == ""
    assert changeable.stamp.stat().st_mtime == pytest.approx(later)


def test_a_venv_whose_python_is_gone_is_made_anew(changeable: Checkout, quick: dict[str, str]) -> None:
    python = changeable.venv / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")

    outcome = changeable.run(env=quick)

    assert outcome.launcher["prefix"] == str(changeable.venv)
    assert FIRST_USE in outcome.stderr


def test_a_venv_that_someone_else_made_is_kept_and_used(changeable: Checkout) -> None:
    # Given one with pip alone, as `python -m venv` makes it
    for pattern in ("installed", "lock", "lib/python*/site-packages/pyflink-stream.pth"):
        (made,) = changeable.venv.glob(pattern)
        made.unlink()
    pip = changeable.venv / "bin" / "python", "-m", "pip", "--disable-pip-version-check"
    subprocess.run([*pip, "uninstall", "--quiet", "--yes", "greeting"], check=True)
    (changeable.venv / "of the user").touch()

    outcome = changeable.run()

    assert outcome.launcher["prefix"] == str(changeable.venv)
    assert "what setup.cfg requires: greeting" in outcome.stderr
    assert FIRST_USE not in outcome.stderr
    assert (changeable.venv / "of the user").exists()


def test_a_foreign_venv_without_pip_is_left_alone(fresh: Checkout) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", fresh.venv], check=True)

    outcome = fresh.run()

    assert outcome.status == 1
    assert f"{fresh.venv} was made by something else" in outcome.stderr
    assert (fresh.venv / "pyvenv.cfg").exists()


def test_an_unsuitable_python_is_refused_by_name(fresh: Checkout) -> None:
    outcome = fresh.run(env={**os.environ, "PYTHON": "/nowhere/python3"})

    assert outcome.status == 1
    assert "PYTHON=/nowhere/python3 is not a Python 3.10 or newer" in outcome.stderr
    assert not fresh.venv.exists()


def test_another_python_than_the_environments_is_a_warning(changeable: Checkout, tmp_path: Path) -> None:
    # Given an environment, and an installation of Python elsewhere that can be told from its own
    changeable.run()
    other = wrapper(tmp_path / "other-python", "sys._base_executable = '/elsewhere/python3'")

    # When it is run with that one
    outcome = changeable.run(env={**os.environ, "PYTHON": str(other)})

    # Then it says so, and uses what is there
    assert outcome.status == 0
    assert f"PYTHON={other} is Python " in outcome.stderr
    assert f"but {changeable.venv} has Python " in outcome.stderr
    assert f"remove {changeable.venv}" in outcome.stderr


def test_the_environments_own_python_is_no_warning(changeable: Checkout) -> None:
    changeable.run()
    for python in (sys.executable, str(changeable.venv / "bin" / "python")):
        assert changeable.run(env={**os.environ, "PYTHON": python}).stderr == ""


def test_a_machine_without_python_is_told_what_to_install(fresh: Checkout, tmp_path: Path) -> None:
    (tmp_path / "commands").mkdir()
    for name in ("cat", "dirname", "sh"):
        (tmp_path / "commands" / name).symlink_to(shutil.which(name) or "")

    outcome = fresh.run(env={"PATH": str(tmp_path / "commands")})

    assert outcome.status == 1
    assert "found no Python 3.10 or newer" in outcome.stderr
