"""Java programs that tests start: their jars, from Maven's repository, kept outside the tree for the next run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp

import pytest

# Seconds that a download may take, and how often it is tried: what has come is kept for the next time.
_PATIENCE = 300
_TRIES = 3
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pyflink-stream</groupId>
  <artifactId>tests</artifactId>
  <version>1</version>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""
_DEPENDENCY = """\
    <dependency><groupId>{0}</groupId><artifactId>{1}</artifactId><version>{2}</version></dependency>"""


def jars(*artifacts: str) -> Path:
    """A directory with the jars of ``artifacts``, each ``group:artifact:version``, and with all that these need.

    Skips the test where there is no Java, no Maven, or no download.
    """
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}: install Java 17 and Maven to run this test")
    name = "+".join(artifact.partition(":")[2].replace(":", "-") for artifact in artifacts)
    directory = _cache() / name
    if not directory.exists():
        _download(artifacts, directory)
    return directory


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pyflink-stream-tests"


def _download(artifacts: tuple[str, ...], directory: Path) -> None:
    """Makes the directory at once, with all that is to be in it, as several processes may want it."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    project = Path(mkdtemp(dir=directory.parent))
    try:
        dependencies = "\n".join(_DEPENDENCY.format(*artifact.split(":")) for artifact in artifacts)
        (project / "pom.xml").write_text(_POM.format(dependencies=dependencies), encoding="utf-8")
        command = ["mvn", "--batch-mode", "--quiet", "dependency:copy-dependencies", "-DoutputDirectory=jars"]
        left = _TRIES
        while (failure := _failure_of(command, project)) is not None:
            left -= 1
            if not left:
                pytest.skip(f"cannot download {', '.join(artifacts)}: {failure}")
        try:
            (project / "jars").rename(directory)
        except OSError:
            assert directory.is_dir()
    finally:
        shutil.rmtree(project)


def _failure_of(command: list[str], directory: Path) -> str | None:
    """Runs it there; None: it has succeeded."""
    try:
        done = subprocess.run(
            command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {_PATIENCE} s"
    return None if done.returncode == 0 else done.stdout[-2000:] + done.stderr[-2000:]
