"""The wheel and the source distribution have what the tree has, and an installed wheel can be started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from pyflink_stream import __version__

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = ("engine", "runner")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what builds read: they leave files beside it."""
    copy = tmp_path_factory.mktemp("source")
    for directory in (*SOURCE_ROOTS, "conf"):
        leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
        shutil.copytree(ROOT / directory, copy / directory, symlinks=True, ignore=leave_out)
    for name in ("setup.cfg", "setup.py", "pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path) -> Path:
    return build("wheel", source)


def build(kind: str, source: Path) -> Path:
    """Builds the wheel or sdist as a build front end does. Gives its path."""
    hook = f"import sys; from setuptools import build_meta; print(build_meta.build_{kind}('dist'), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", hook], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return source / "dist" / done.stderr.splitlines()[-1]


def modules_and_data(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_has_every_file_of_the_two_source_roots_but_their_pages(source: Path, wheel: Path) -> None:
    files = {
        str(path.relative_to(source / root))
        for root in SOURCE_ROOTS
        for path in (source / root).rglob("*")
        if path.is_file() and not path.parent.name.endswith(".egg-info") and path.name != "README.md"
    }

    assert "pyflink_stream/cli.py" in files
    assert modules_and_data(wheel) == files


def test_the_wheel_has_the_shipped_configuration(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        packaged = archive.read("pyflink_stream/flink-conf.yaml")

    assert packaged == (ROOT / "conf" / "flink-conf.yaml").read_bytes()


def test_a_wheel_from_the_source_distribution_is_the_same(source: Path, wheel: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "-xzf", build("sdist", source), "-C", tmp_path], check=True)
    (unpacked,) = tmp_path.iterdir()

    assert modules_and_data(build("wheel", unpacked)) == modules_and_data(wheel)


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the commands of an environment into which the wheel was installed."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", wheel], check=True)
    # The dependencies are those of this process; a path file in their directory has no effect there.
    libraries = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    (Path(libraries.strip()) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return environment / "bin"


@pytest.mark.parametrize("command", [["pyflink-stream"], ["python", "-m", "pyflink_stream"]], ids=" ".join)
def test_an_installed_wheel_can_be_started(installation: Path, command: list[str], tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    done = subprocess.run(
        [installation / command[0], *command[1:], "--version"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, f"pyflink-stream {__version__}\n", "")


def test_an_installed_wheel_runs_the_jobs_of_tests(installation: Path, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(
        "def main(factory):\n"
        "    env = factory.get_execution_environment()\n"
        "    env.generate_sequence(1, 3).map(float).output()\n"
        "    env.execute()\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    program = "from pyflink_stream.testing import run; print(sorted(run('job.py', parallelism=2).records()))"

    done = subprocess.run(
        [installation / "python", "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[1.0, 2.0, 3.0]"
