"""A program runs out of the archive that goes along with a job, on a Python that has nothing of ours."""

from __future__ import annotations

import os
import pickle
import py_compile
import subprocess
import sys
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from pyflink_stream.program import Program
from pyflink_stream.shipped import ShippedProgram
from stream_engine import utf8
from stream_engine.flink.client import shipping
from stream_engine.flink.client.shipping import Archive, Archives

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def program(tmp_path: Path) -> Program:
    home = tmp_path / "home"
    (home / "lib" / "deep").mkdir(parents=True)
    (home / "script.py").write_text("import lib.deep.inner\n\n\ndef fail():\n    return lib.deep.inner.fail()\n")
    (home / "lib" / "__init__.py").write_text("")
    (home / "lib" / "deep" / "__init__.py").write_text("")
    (home / "lib" / "deep" / "inner.py").write_text(
        "import pkgutil\n\n\ndef fail():\n    raise ValueError(pkgutil.get_data('script', 'rates.csv').decode())\n"
    )
    (home / "rates.csv").write_text("1,2")
    with ZipFile(home / "more.zip", "w") as archive:
        archive.writestr("zipped.py", "VALUE = 7\n")
    packages = [str(home / name) for name in ("lib", "rates.csv", "more.zip")]
    return Program(str(home / "script.py"), packages, ["--x", "1"])


def unpacked(archive: Archive, directory: Path) -> Path:
    """As Flink does it."""
    with ZipFile(archive.path) as file:
        file.extractall(directory)
    (directory / "bin" / "python").chmod(0o755)
    return directory


def run_there(archive: Archive, directory: Path, source: str) -> subprocess.CompletedProcess[str]:
    python = unpacked(archive, directory) / "bin" / "python"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # Without its site-packages, where the checkout's own code is.
    command = [str(python), "-S", "-c", source]
    return subprocess.run(command, env=environment, cwd=directory, capture_output=True, text=True)


def pack(program: Program) -> tuple[Archive, bytes]:
    shipped = ShippedProgram(program)
    return kept(Archives(shipped.files)).pack(sys.executable), pickle.dumps(shipped.install)


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Archives are there until nobody has what made them."""
    yield
    _made.clear()


_made: list[Archives] = []


def kept(archives: Archives) -> Archives:
    _made.append(archives)
    return archives


def test_modules_data_and_parameters_are_there_and_tracebacks_name_the_originals(
    program: Program, tmp_path: Path
) -> None:
    archive, prepare = pack(program)
    home = os.path.dirname(program.script)
    os.rename(home, tmp_path / "elsewhere")

    source = f"""
import pickle, sys, traceback
pickle.loads({prepare!r})()
import script, zipped, stream_engine.flink.worker.host, org.apache.flink.streaming.api
print(sys.argv, zipped.VALUE, stream_engine.__file__)
try:
    script.fail()
except ValueError:
    traceback.print_exc()
"""
    done = run_there(archive, tmp_path / "there", source)

    lib = tmp_path / "there" / "lib" / "stream_engine" / "__init__.py"
    assert done.stdout == f"{program.argv} 7 {lib}\n", done.stderr
    assert f'File "{home}/lib/deep/inner.py", line 5, in fail\n    raise ValueError(' in done.stderr
    assert f'File "{home}/script.py", line 5, in fail\n    return lib.deep.inner.fail()' in done.stderr
    assert done.stderr.endswith("ValueError: 1,2\n")


def test_files_beside_each_other_stay_so(program: Program, tmp_path: Path) -> None:
    archive, prepare = pack(program)
    source = "import lib, pkgutil; print(pkgutil.get_data('lib', '../rates.csv').decode())"

    done = run_there(archive, tmp_path / "there", f"import pickle; pickle.loads({prepare!r})(); {source}")

    assert done.stdout == "1,2\n", done.stderr


def test_what_is_compiled_here_need_not_be_compiled_there(program: Program, tmp_path: Path) -> None:
    py_compile.compile(utf8.__file__)
    archive, _ = pack(program)
    # Only the compiled module can be imported from there.
    (unpacked(archive, tmp_path / "there") / "lib" / "stream_engine" / "utf8.py").write_text("another()\n")

    command = [
        str(tmp_path / "there" / "bin" / "python"),
        "-S",
        "-c",
        "import stream_engine.utf8 as it; print(it.__file__)",
    ]
    done = subprocess.run(command, capture_output=True, text=True)

    assert done.stdout == f"{tmp_path}/there/lib/stream_engine/utf8.py\n", done.stderr


def test_what_was_compiled_from_something_else_stays_here(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("OLD = 1\n")
    py_compile.compile(str(module))
    module.write_text("NEW = True\n")

    archive = kept(Archives(lambda: [("lib/module.py", str(module))])).pack(sys.executable)

    with ZipFile(archive.path) as file:
        assert not [name for name in file.namelist() if name.startswith("lib/__pycache__")]


def test_workers_have_one_hash_seed(program: Program, tmp_path: Path) -> None:
    archive, _ = pack(program)

    hashes = {run_there(archive, tmp_path / name, "print(hash('a'))").stdout for name in ("one", "other")}

    assert len(hashes) == 1


def test_a_module_that_the_script_imported_from_beside_it_goes_along(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import shipped_helper\n")
    (tmp_path / "shipped_helper.py").write_text("VALUE = 3\n")
    program = Program(str(tmp_path / "script.py"), [], [])
    finder = program.install()
    try:
        __import__("script")
        archive, prepare = pack(program)
    finally:
        finder.uninstall()
        sys.modules.pop("shipped_helper", None)
        sys.path.remove(str(tmp_path))

    source = f"import pickle\npickle.loads({prepare!r})()\nimport script\nprint(script.shipped_helper.VALUE)"
    assert run_there(archive, tmp_path / "there", source).stdout == "3\n"


def test_an_archive_is_named_by_its_content(program: Program) -> None:
    first, _ = pack(program)
    again, _ = pack(program)
    with open(program.script, "a", encoding="utf-8") as file:
        file.write("# changed\n")
    changed, _ = pack(program)

    assert first.name == again.name
    assert first.name != changed.name
    assert first.python == f"{first.name}/bin/python"


def test_a_script_has_one_archive_for_all_of_its_jobs(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    write = shipping._write
    monkeypatch.setattr(shipping, "_write", lambda path, contents: written.append(path) or write(path, contents))
    archives = kept(Archives(ShippedProgram(program).files))

    first, again = archives.pack("python"), archives.pack("python")
    with open(program.packages[1], "w", encoding="utf-8") as file:
        file.write("3,4")
    changed, other = archives.pack("python"), archives.pack("python3")

    assert first is again
    assert written == [first.path, changed.path, other.path]
    with ZipFile(changed.path) as file:
        (rates,) = [name for name in file.namelist() if name.endswith("rates.csv")]
        assert file.read(rates) == b"3,4"


def test_archives_are_gone_with_what_made_them(program: Program) -> None:
    archives = Archives(ShippedProgram(program).files)
    archive = archives.pack("python")
    assert os.path.exists(archive.path)

    del archives

    assert not os.path.exists(os.path.dirname(archive.path))
