"""Imports that Python 3, or this project, cannot satisfy are found by looking at files, not by importing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pyflink_stream.check import Finding, check_source


@pytest.fixture
def provided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with a few classes of a JVM, which must be read and never run."""
    functions = tmp_path / "provided" / "org" / "apache" / "flink" / "functions.py"
    functions.parent.mkdir(parents=True)
    functions.write_text("from elsewhere import MapFunction, Key as KeySelector\nraise SystemExit('was run')\n")
    time = functions.parent / "time"
    time.mkdir()
    (time / "Time.py").write_text("def seconds(n): return n\nraise SystemExit('was run')\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "provided"), *sys.path])
    return tmp_path


def check(text: str, folder: Path | str = "") -> list[Finding]:
    return check_source(text, str(Path(folder) / "old.py"))


@pytest.mark.parametrize(
    ("line", "column", "python_3"),
    [
        ("import urllib2", 8, "urllib.request"),
        ("import os, Queue", 12, "queue"),
        ("import ConfigParser as cp", 8, "configparser"),
        ("from StringIO import StringIO", 1, "io.StringIO"),
        ("import cPickle", 8, "pickle"),
        ("import httplib", 8, "http.client"),
        ("import __builtin__", 8, "builtins"),
        ("import commands", 8, "subprocess"),
        ("from HTMLParser import HTMLParser", 1, "html.parser"),
        ("import urlparse", 8, "urllib.parse"),
        ("import thread", 8, "threading"),
        ("import SocketServer", 8, "socketserver"),
        ("import email.MIMEText", 8, "email.mime.text"),
    ],
)
def test_a_renamed_module_is_found_with_its_new_name(line: str, column: int, python_3: str) -> None:
    (finding,) = check(line)

    assert (finding.line, finding.column, finding.code) == (1, column, "renamed-module")
    assert python_3 in finding.suggestion


def test_each_renamed_module_of_one_line_is_found() -> None:
    assert [(finding.column, finding.suggestion) for finding in check("import Queue, thread")] == [
        (8, "queue"),
        (15, "threading"),
    ]


def test_a_moved_member_is_found_where_it_is_imported() -> None:
    (finding,) = check("from itertools import chain, izip")

    assert (finding.column, finding.code, finding.suggestion) == (30, "moved-name", "zip")


def test_imports_from_the_future_are_no_findings() -> None:
    assert check("from __future__ import absolute_import, unicode_literals, with_statement") == []


def test_a_module_beside_the_script_is_the_scripts_own(tmp_path: Path) -> None:
    (tmp_path / "commands.py").touch()
    (tmp_path / "Queue").mkdir()

    assert check("import commands, Queue\nfrom . import thread", tmp_path) == []


def test_a_module_that_is_installed_after_all_is_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "StringIO.py").write_text("raise SystemExit('was run')")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    assert check("import StringIO") == []


@pytest.mark.parametrize(
    "line",
    [
        "from org.apache.flink.functions import MapFunction, KeySelector",
        "from org.apache.flink.time.Time import seconds",
        "from org.apache.flink.time import Time",
        "from org.apache.flink import functions",
        "import org.apache.flink.functions",
        "from org.apache.flink.functions import *",
        "from org.apache.flink.api.common.functions import FlatMapFunction, ReduceFunction",
        "from org.apache.flink.api.java.functions import KeySelector",
        "from org.apache.flink.streaming.api.functions.source import SourceFunction",
        "from org.apache.flink.streaming.api.windowing.time.Time import milliseconds",
        "from org.apache.flink.streaming.api.windowing.time import Time",
        "from org.apache.flink.core.fs.FileSystem import WriteMode",
        "from java.util import Properties",
        "try:\n    from java.lang import System\nexcept ImportError:\n    System = None",
    ],
)
def test_classes_of_the_jvm_that_are_provided_are_no_findings(provided: Path, line: str) -> None:
    assert check(line) == []


@pytest.mark.parametrize(
    ("line", "column", "missing", "instead"),
    [
        ("from org.apache.flink.functions import MapFunction, Trigger", 53, "functions.Trigger", ""),
        ("from org.apache.flink.time.Time import weeks", 40, "time.Time.weeks", ""),
        (
            "from org.apache.flink.old import MapFunction",
            34,
            "org.apache.flink.old has no MapFunction",
            "org.apache.flink.api.common.functions",
        ),
        ("import org.slf4j.Logger", 8, "org.slf4j.Logger", "logging"),
        ("from java.util import ArrayList", 23, "java.util.ArrayList", "list"),
        ("from java.util.concurrent.atomic import AtomicLong", 41, "AtomicLong", "threading"),
        ("from java.lang import System", 23, "java.lang.System", "sys"),
        ("import java.lang", 8, "java.lang", "Python"),
        ("from jarray import array", 20, "jarray.array", "Python"),
    ],
)
def test_a_class_of_the_jvm_that_is_missing_is_named_with_what_to_use(
    provided: Path, line: str, column: int, missing: str, instead: str
) -> None:
    (finding,) = check(line)

    assert (finding.column, finding.code) == (column, "jvm-import")
    assert missing in finding.problem
    assert instead in finding.suggestion


def test_a_package_of_that_name_beside_the_script_is_the_scripts_own(provided: Path) -> None:
    package = provided / "java" / "helpers.py"
    package.parent.mkdir()
    package.write_text("class Rows: pass\n")

    assert check("from java.helpers import Rows", provided) == []
