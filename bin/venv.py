"""Makes the checkout's ``.venv``, or brings it up to date with ``setup.cfg``: ``venv.py [--in NAME] [EXTRA ...]``.

Run by ``venv.sh``, with the Python that the environment is to have and nothing but its standard library. ``--in NAME``
makes another environment, beside ``.venv``, for what had better be kept apart from the rest.

The project itself is not installed: a ``.pth`` file names its two source roots. The import hook of an
editable install would find the same modules, and cost every start 10 ms.

In ``.venv``, beside what Python puts there:

- ``lock`` is held by the one process that works on the environment; the others wait for it.
- ``unfinished`` is there while the environment is being made. One that still has it later is made anew.
- ``installed`` and ``installed-EXTRA`` are copies of the ``setup.cfg`` whose requirements are in the environment.
"""

from __future__ import annotations

import configparser
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHECKOUT = Path(__file__).resolve().parent.parent
SETTINGS = CHECKOUT / "setup.cfg"
SOURCE_ROOTS = (CHECKOUT / "engine", CHECKOUT / "runner")

VENV = CHECKOUT / (sys.argv[2] if sys.argv[1:2] == ["--in"] else ".venv")
EXTRAS = sys.argv[3:] if sys.argv[1:2] == ["--in"] else sys.argv[1:]
PYTHON = VENV / "bin" / "python"
LOCK = VENV / "lock"
UNFINISHED = VENV / "unfinished"


class Failure(Exception):
    """The environment cannot be used. The message says why, and what to do."""


def main(extras: Sequence[str]) -> int:
    stamps = [VENV / "installed", *(VENV / f"installed-{extra}" for extra in extras)]
    try:
        VENV.mkdir(exist_ok=True)
        with locked() as lock:
            if not is_current(stamps):
                update(extras, stamps, lock)
        warn_of_other_python()
    except Failure as failure:
        say(str(failure))
        return 1
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"cannot make {VENV}: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def warn_of_other_python() -> None:
    """Warns if the environment has another Python than the one that PYTHON names, which runs this script."""
    base = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    if os.environ.get("PYTHON") and base != os.path.realpath(PYTHON):
        settings = (VENV / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
        pairs = dict(line.replace(" ", "").split("=", 1) for line in settings if "=" in line)
        say(
            f"PYTHON={os.environ['PYTHON']} is Python {sys.version.split()[0]}, but {VENV} has Python "
            f"{pairs.get('version', '')} ({os.path.realpath(PYTHON)}), which is used. To change it, remove {VENV}."
        )


def say(message: str) -> None:
    sys.stderr.write(f"pyflink-stream: {message}\n")


@contextlib.contextmanager
def locked() -> Iterator[int]:
    """Holds the lock until the last process that has its file open ends. Yields the file's descriptor."""
    with LOCK.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that is making {VENV}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def is_current(stamps: Sequence[Path]) -> bool:
    """Whether the environment is finished and has what the present ``setup.cfg`` requires."""
    if UNFINISHED.exists() or not PYTHON.exists():
        return False
    settings = SETTINGS.read_bytes()
    if not all(stamp.exists() and stamp.read_bytes() == settings for stamp in stamps):
        return False
    times = SETTINGS.stat()
    for stamp in stamps:
        os.utime(stamp, ns=(times.st_atime_ns, times.st_mtime_ns))
    return True


def update(extras: Sequence[str], stamps: Sequence[Path], lock: int) -> None:
    requirements = read_requirements(extras)
    # Read before the installation: a change in the meantime makes it newer than the stamps.
    settings, times = SETTINGS.read_bytes(), SETTINGS.stat()
    if must_be_made():
        make()
    link_source_roots()
    names = ", ".join(re.split("[^A-Za-z0-9._/-]", requirement.strip())[0] for requirement in requirements)
    say(f"waiting for pip, which installs into {VENV} what setup.cfg requires: {names}")
    install(requirements, lock)
    compile_sources()
    for stamp in stamps:
        stamp.write_bytes(settings)
        os.utime(stamp, ns=(times.st_atime_ns, times.st_mtime_ns))
    UNFINISHED.unlink(missing_ok=True)


def read_requirements(extras: Sequence[str]) -> list[str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(SETTINGS, encoding="utf-8")
    known = parser["options.extras_require"]
    for extra in extras:
        if extra not in known:
            raise Failure(f"setup.cfg has no extra {extra!r}, but {', '.join(known)}.")
    texts = [parser["options"]["install_requires"], *(known[extra] for extra in extras)]
    return [line for text in texts for line in text.splitlines() if line]


def must_be_made() -> bool:
    if UNFINISHED.exists() or not (VENV / "pyvenv.cfg").exists():
        return True
    if PYTHON.exists() and subprocess.run([PYTHON, "-I", "-c", "import pip"], capture_output=True).returncode == 0:
        return False
    if (VENV / "installed").exists():
        return True
    raise Failure(f"{VENV} was made by something else and has no pip. Move it away, or give it one.")


def make() -> None:
    """Makes the environment, with pip and nothing else, in place of whatever is there."""
    say(f"first use: making {VENV} with Python {sys.version.split()[0]}, which takes some time")
    UNFINISHED.touch()
    # The stamp goes first: without it, nobody starts anything from what is being removed.
    for path in sorted(VENV.iterdir(), key=lambda path: not path.name.startswith("installed")):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path not in (LOCK, UNFINISHED):
            path.unlink()
    venv.create(VENV, with_pip=True, symlinks=True)


def link_source_roots() -> None:
    """Makes the packages of the checkout importable, even after the checkout has been moved."""
    question = "import sysconfig; print(sysconfig.get_path('purelib'))"
    answer = subprocess.run([PYTHON, "-I", "-c", question], stdout=subprocess.PIPE, text=True, check=True)
    packages = Path(answer.stdout.rstrip("\n"))
    lines = [os.path.relpath(root, packages) + "\n" for root in SOURCE_ROOTS]
    (packages / "pyflink-stream.pth").write_text("".join(lines), encoding="utf-8")


def compile_sources() -> None:
    """Compiles the checkout's modules, as pip does with those that it installs.

    Users who may not write into the checkout, and those whose environment keeps Python from writing what it has
    compiled, would compile them at every start, which doubles its time.
    """
    subprocess.run([PYTHON, "-I", "-m", "compileall", "-q", "-j", "0", *SOURCE_ROOTS], capture_output=True)


def install(requirements: Sequence[str], lock: int) -> None:
    pip = [PYTHON, "-I", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, *requirements],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # If this process is killed, pip continues; nobody else may touch the environment until pip has ended.
        pass_fds=[lock],
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        raise Failure(f"cannot install into {VENV} (above: what pip says). The next use tries again.")


if __name__ == "__main__":
    sys.exit(main(EXTRAS))
