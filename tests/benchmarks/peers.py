"""Other engines, each in an environment of its own below .venv-bench, made when it is first needed."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".venv-bench"

# Seconds that an installation may take.
PATIENCE = 600

# The Pythons that the peers have wheels for, those first that this one is closest to.
PYTHONS = ("3.12", "3.11", "3.10")


class Missing(Exception):
    """A peer cannot be had here; the message says why."""


class Peers:
    """Finds the Pythons that have the peers; installs those that are not there yet, if it may."""

    def __init__(self, install: bool) -> None:
        self._install = install
        # What each peer that was asked for is, or why it is missing.
        self.versions: dict[str, str] = {}

    def bytewax(self) -> str:
        """A Python that has bytewax. Raises Missing."""
        return self._python("bytewax", "bench")

    def pyflink(self) -> str:
        """A Python that has PyFlink, and what our command requires. Raises Missing."""
        if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
            raise Missing("no Java here")
        return self._python("apache-flink", "flink", with_ours=True)

    def hdfs(self) -> str:
        """A Python that has a client for HDFS, and what our command requires. Raises Missing."""
        if shutil.which("java") is None:
            raise Missing("no Java here")
        return self._python("hdfs-native", "hdfs", with_ours=True)

    def kafka(self) -> str:
        """A Python that has a client for Kafka, and what our command requires. Raises Missing."""
        if shutil.which("java") is None:
            raise Missing("no Java here")
        return self._python("confluent-kafka", "kafka", with_ours=True)

    def _python(self, distribution: str, extra: str, with_ours: bool = False) -> str:
        directory = ENVIRONMENTS / distribution
        python = str(directory / "bin" / "python")
        requirements = _requirements(extra, with_ours)
        stamp, failure = directory / "installed", directory / "failed"
        try:
            if not (stamp.exists() and stamp.read_text(encoding="utf-8") == requirements):
                if not self._install:
                    raise Missing("not installed")
                if failure.exists():
                    raise Missing(f"{failure.read_text(encoding='utf-8')}; to try again, remove {directory}")
                _make(directory, requirements, failure)
                stamp.write_text(requirements, encoding="utf-8")
        except Missing as missing:
            self.versions[distribution] = str(missing)
            raise
        self.versions[distribution] = _version(python, distribution)
        return python


def _requirements(extra: str, with_ours: bool) -> str:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    ours = parser["options"]["install_requires"] if with_ours else ""
    lines = f"{ours}\n{parser['options.extras_require'][extra]}".splitlines()
    return "\n".join(line.strip() for line in lines if line.strip() and not line.strip().startswith("#"))


def _make(directory: Path, requirements: str, failure: Path) -> None:
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    base = sys.executable if own in PYTHONS else next(filter(None, (shutil.which(f"python{v}") for v in PYTHONS)), None)
    if base is None:
        raise Missing(f"it needs one of the Pythons {', '.join(PYTHONS)}")
    sys.stderr.write(f"making {directory}, which can take minutes\n")
    shutil.rmtree(directory, ignore_errors=True)
    commands = (
        [base, "-m", "venv", directory],
        [directory / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-input", *requirements.splitlines()],
    )
    try:
        for command in commands:
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        reason = f"it was not installed in {PATIENCE} s"
    except subprocess.CalledProcessError as error:
        reason = "it does not install"
        sys.stderr.write(error.stderr.decode(errors="replace"))
    else:
        return
    directory.mkdir(parents=True, exist_ok=True)
    failure.write_text(reason, encoding="utf-8")
    raise Missing(reason)


def _version(python: str, distribution: str) -> str:
    question = (
        "import platform, sys; from importlib.metadata import version; "
        "print(version(sys.argv[1]), 'on Python', platform.python_version())"
    )
    return subprocess.run(
        [python, "-c", question, distribution], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
