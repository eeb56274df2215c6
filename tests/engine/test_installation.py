"""Commands that install missing packages can be copied."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import stream_engine
from stream_engine.installation import extra, missing_module

CHECKOUT = Path(stream_engine.__file__).parents[2]


def test_an_extra_of_a_checkout_is_installed_by_its_own_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    script, name = shlex.split(extra("zstd"))
    assert os.path.samefile(script, CHECKOUT / "bin" / "venv.sh")
    assert name == "zstd"
    monkeypatch.chdir(CHECKOUT)
    assert extra("zstd") == "bin/venv.sh zstd"


def test_an_extra_of_an_installation_is_installed_by_pip(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "engine" / "stream_engine", tmp_path / "site" / "stream_engine")
    question = "from stream_engine.installation import extra; print(extra('zstd'))"
    asked = [sys.executable, "-c", question]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(asked, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    assert shlex.split(done.stdout) == [sys.executable, "-m", "pip", "install", "pyflink-stream[zstd]"]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        (
            "nowhere",
            f"Install it with {shlex.quote(sys.executable)} -m pip install nowhere, or name it behind the script",
        ),
        ("cv2", " -m pip install opencv-python"),
        ("pyflink", "That is PyFlink, another API: import from org.apache.flink"),
        ("flink", "That is Flink's batch API"),
        ("beside", "beside.py is in the working directory: name it behind the script, as a PACKAGE"),
    ],
)
def test_a_module_that_is_missing_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, advice: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beside.py").touch()
    assert advice in missing_module(ModuleNotFoundError(f"No module named {name!r}", name=name))


@pytest.mark.parametrize("name", ["tkinter", "os.gone", None])
def test_what_nobody_can_install_is_not_advised(name: str | None) -> None:
    assert missing_module(ModuleNotFoundError("gone", name=name)) == ""
    assert missing_module(ImportError("gone", name="nowhere")) == ""
