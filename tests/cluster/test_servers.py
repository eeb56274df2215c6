"""The servers that the other tests of this directory rely on, and what happens where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hdfs_server import Hdfs
    from s3 import S3

HERE = Path(__file__).parent
SKIPS = """
import pytest

def test_that_is_skipped():
    pytest.skip("there is no server")
"""
WRITE_AND_READ = """
import sys, fsspec
system, path = fsspec.core.url_to_fs(sys.argv[1], **eval(sys.argv[2]))
system.makedirs(path)
with system.open(path + "/file", "wb") as file:
    file.write(b"written")
print(system.cat_file(path + "/file").decode())
"""


def written_and_read(url: str, **options: object) -> str:
    """In a process of its own, as clients have threads, which others would lose in a fork."""
    command = [sys.executable, "-c", WRITE_AND_READ, url, repr(options)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def test_the_hdfs_of_the_tests_keeps_files(hdfs: Hdfs):
    assert written_and_read(f"{hdfs.url}/of-the-servers") == "written\n"


def test_the_s3_of_the_tests_keeps_files(s3: S3):
    assert written_and_read("s3://of-the-servers", endpoint_url=s3.endpoint, key="any", secret="any") == "written\n"


@pytest.mark.parametrize(("ci", "outcome"), [("true", "1 failed"), ("", "1 skipped")])
def test_a_skip_is_a_failure_in_continuous_integration_only(tmp_path: Path, ci: str, outcome: str):
    (tmp_path / "conftest.py").write_text((HERE / "conftest.py").read_text())
    (tmp_path / "test_skipping.py").write_text(SKIPS)
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(tmp_path), "-p", "no:cacheprovider"]
    environment = {**os.environ, "CI": ci, "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent}"}

    done = subprocess.run([*command, tmp_path], env=environment, stdout=subprocess.PIPE, text=True)

    assert outcome in done.stdout
    assert "there is no server" in done.stdout or not ci
