"""Files and folders are checked without being run, and people are told what to change where."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from pyflink_stream.check import check_files, render, run_check

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old_script.py"
    path.write_text(f"open({str(tmp_path / 'was_run')!r}, 'w').close()\nif True:\n    print 'done'\n")
    return path


def test_the_report_says_where_what_and_how_it_is_written_now(old: Path) -> None:
    report = render(check_files([str(old)]))

    assert report.splitlines()[:3] == [
        f"{old}:3:5: print is a function in Python 3 [print-statement]",
        "    print 'done'",
        "    Python 3: print('done')",
    ]


def test_findings_make_the_exit_code_1(old: Path) -> None:
    stream = io.StringIO()

    assert run_check([str(old)], stream) == 1
    assert stream.getvalue() == render(check_files([str(old)]))


def test_a_script_without_findings_makes_the_exit_code_0(tmp_path: Path) -> None:
    script = tmp_path / "new_script.py"
    script.write_text("print('done')\n")
    stream = io.StringIO()

    assert run_check([str(script)], stream) == 0
    assert "Nothing of Python 2" in stream.getvalue()


def test_the_script_is_neither_run_nor_imported(old: Path) -> None:
    check_files([str(old)])
    old.write_text(old.read_text().replace("print 'done'", "print('done')"))

    assert check_files([str(old)]) == []
    assert not (old.parent / "was_run").exists()
    assert old.stem not in sys.modules


def test_a_folder_stands_for_the_python_files_below_it(tmp_path: Path) -> None:
    for name in ("b.py", "a/c.py", "a/data.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("print 1\n")

    findings = check_files([str(tmp_path)])

    assert [finding.filename for finding in findings] == [str(tmp_path / "a" / "c.py"), str(tmp_path / "b.py")]
    assert "2 places to change in 2 files" in render(findings)


def test_a_declared_encoding_is_read_as_such(tmp_path: Path) -> None:
    script = tmp_path / "latin.py"
    script.write_bytes("# -*- coding: latin-1 -*-\nprint 'é', 1L\n".encode("latin-1"))

    findings = check_files([str(script)])

    assert [(finding.line, finding.column) for finding in findings] == [(2, 1), (2, 12)]
    assert findings[0].source_line == "print 'é', 1L"


@pytest.mark.parametrize(
    ("content", "line"), [(b"x = 1\ny = '\xe9'\nprint x\n", 2), (b"# coding: klingon\nx = 1\nprint x\n", 1)]
)
def test_bytes_that_python_3_cannot_decode_are_a_finding_and_the_rest_is_checked(
    tmp_path: Path, content: bytes, line: int
) -> None:
    script = tmp_path / "bytes.py"
    script.write_bytes(content)

    findings = check_files([str(script)])

    assert [(finding.line, finding.code) for finding in findings] == [(line, "encoding"), (3, "print-statement")]


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        check_files([str(tmp_path / "missing.py")])


def test_a_path_with_warnings_in_it_warns_nobody(tmp_path: Path) -> None:
    script = tmp_path / "warns.py"
    script.write_text("x = '\\d'\nassert (x, 'y')\nx is 1\n")

    assert check_files([str(script)]) == []


def test_what_would_change_the_terminal_is_not_written_to_it(tmp_path: Path) -> None:
    path = tmp_path / "binary.py"
    path.write_bytes(b"x = '\x1b[2J\x07' \x00\n")

    report = render(check_files([str(path)]))

    assert report.replace("\n", "").isprintable()
    assert "    x = '?[2J?' ?\n" in report
