"""From laptop to cluster by the commands of the page, in a checkout of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import venv
from typing import TYPE_CHECKING

import pytest
from flink_commands import LONG, records
from launched import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = ROOT / "engine" / "stream_engine" / "flink" / "README.md"
# What a shell of one's own lacks. A make that runs these tests tells the makes below it of itself, and they would tell
# which directory they enter.
FOREIGN = ("FLINK_CONF_DIR", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS")

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A checkout whose .venv has what this one's environment has: nothing is left for pip to install."""
    if shutil.which("java") is None or shutil.which("make") is None:
        pytest.skip("there is no Java, or no make")
    copy = tmp_path / "checkout"
    for name in ("bin", "conf", "engine", "examples", "runner"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "setup.cfg"):
        shutil.copy(ROOT / name, copy)
    venv.create(copy / ".venv", with_pip=True, symlinks=True)
    inside = sysconfig.get_path("purelib", vars={"base": str(copy / ".venv"), "platbase": str(copy / ".venv")})
    own = sysconfig.get_path("purelib")
    with open(os.path.join(inside, "borrowed.pth"), "w", encoding="utf-8") as file:
        file.write(f"{own}\n")
    yield copy
    run("make flink-cluster-stop", copy)


def run(command: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    done = subprocess.run(
        command, cwd=checkout, env=environment, shell=True, capture_output=True, text=True, timeout=LONG
    )
    assert done.returncode == 0, done.stderr
    return done


def processes(checkout: Path) -> list[str]:
    listed = subprocess.run(["ps", "axww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(checkout) in line]


def test_the_commands_of_the_page_start_a_cluster_run_a_script_there_and_stop_it(checkout: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (block,) = re.findall(r"^```sh\n(make flink-cluster\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    start, here, there, elsewhere, stop = block.splitlines()

    started = run(start, checkout)
    address = (checkout / ".flink-cluster" / "address").read_text()
    local, remote = run(here, checkout), run(there, checkout)
    named = run(elsewhere.replace("flink.example.com:8081", address), checkout)
    run(stop, checkout)

    assert started.stdout.splitlines()[-1] == address
    assert (
        records(remote.stdout.splitlines()) == records(named.stdout.splitlines()) == records(local.stdout.splitlines())
    )
    assert local.stdout
    assert not (checkout / ".flink-cluster").exists()
    assert processes(checkout) == []
    # What is not there is stopped without a word.
    again = run(stop, checkout)
    assert (again.stdout, again.stderr) == ("", "")
