"""Checks sources and files, and tells people what was found."""

from __future__ import annotations

import ast
import os
import tokenize
from typing import TYPE_CHECKING, TextIO

from pyflink_stream.check.classes import find_classes
from pyflink_stream.check.division import find_divisions
from pyflink_stream.check.finding import Finding
from pyflink_stream.check.imports import find_imports
from pyflink_stream.check.methods import find_methods
from pyflink_stream.check.names import find_names
from pyflink_stream.check.parsing import Parsed, parse
from pyflink_stream.check.script import Script
from pyflink_stream.check.sequences import find_sequences
from pyflink_stream.check.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HABITS = (find_names, find_methods, find_sequences, find_divisions, find_classes, find_imports)


def check_source(text: str, filename: str) -> list[Finding]:
    """What is Python 2 in a script, in the order of its lines. Only reads it: nothing is imported or run."""
    source = Source(text, filename)
    parsed = parse(source)
    places = {(change.at, change.code): (change.problem, change.suggestion) for change in parsed.changes}
    for offset, code, problem, suggestion in _habits(parsed, filename):
        places.setdefault((offset, code), (problem, suggestion))
    findings: list[Finding] = []
    for (offset, code), (problem, suggestion) in sorted(places.items()):
        line, column = source.position(offset)
        findings.append(Finding(filename, line, column, code, problem, suggestion, source.line(line)))
    return findings


def check_files(paths: Iterable[str]) -> list[Finding]:
    """What is Python 2 in these files; of a folder, in all ``.py`` files below it. OSError for what cannot be read."""
    seen: set[str] = set()
    findings: list[Finding] = []
    for file in (file for path in paths for file in _files(path)):
        # A script may be in one of its packages.
        if os.path.realpath(file) not in seen:
            seen.add(os.path.realpath(file))
            findings += _check_file(file)
    return findings


def render(findings: list[Finding]) -> str:
    """The findings as text for people, with the line each is on and what to write instead."""
    blocks: list[str] = []
    for finding in findings:
        place = f"{finding.filename}:{finding.line}:{finding.column}"
        blocks.append(
            f"{place}: {finding.problem} [{finding.code}]\n"
            f"    {_printable(finding.source_line.strip())}\n"
            f"    Python 3: {finding.suggestion}\n"
        )
    if not findings:
        return "Nothing of Python 2 was found.\n"
    files = len({finding.filename for finding in findings})
    places = "1 place" if len(findings) == 1 else f"{len(findings)} places"
    where = "" if files == 1 else f" in {files} files"
    return "\n".join([*blocks, f"{places} to change{where}; nothing was run.\n"])


def _printable(line: str) -> str:
    """Without what would change the terminal: a file may not be text at all."""
    return "".join(character if character.isprintable() or character == "\t" else "?" for character in line)


def run_check(paths: Iterable[str], stream: TextIO) -> int:
    """Checks files, writes the report to ``stream``; the exit code: 0 when nothing was found, 1 otherwise."""
    findings = check_files(paths)
    stream.write(render(findings))
    return 1 if findings else 0


def _habits(parsed: Parsed, filename: str) -> Iterator[tuple[int, str, str, str]]:
    if parsed.tree is None:
        return
    script = Script(parsed.tree, filename, has_python_2_syntax=bool(parsed.changes))
    for visit in script.visits:
        for find in _HABITS:
            for habit in find(visit, script):
                place = visit.shown if isinstance(visit.shown, ast.JoinedStr) else habit.place
                yield _offset(place, parsed), habit.code, habit.problem, habit.suggestion


def _offset(place: ast.AST, parsed: Parsed) -> int:
    """Where a node begins in the script as its author wrote it; of an attribute, where its name begins."""
    if isinstance(place, ast.Attribute):
        line, column = place.end_lineno or place.lineno, (place.end_col_offset or 0) - len(place.attr.encode())
    elif isinstance(place, (ast.expr, ast.stmt, ast.alias, ast.excepthandler)):
        line, column = place.lineno, place.col_offset
    else:
        line, column = 1, 0
    return parsed.patched.origin(parsed.patched.byte_offset(line, column))


def _files(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    return sorted(
        os.path.join(folder, file) for folder, _, files in os.walk(path) for file in files if file.endswith(".py")
    )


def _check_file(path: str) -> list[Finding]:
    with open(path, "rb") as stream:
        content = stream.read()
        stream.seek(0)
        try:
            encoding, _ = tokenize.detect_encoding(stream.readline)
            return check_source(content.decode(encoding), path)
        except (SyntaxError, UnicodeDecodeError, LookupError) as error:
            problem = f"Python 3 cannot decode this file: {error}"
    readable = content.decode("utf-8", "replace")
    line = _undecodable_line(content)
    suggestion = "save it as UTF-8, or name its encoding in line 1: # -*- coding: latin-1 -*-"
    unreadable = Finding(path, line, 1, "encoding", problem, suggestion, Source(readable, path).line(line))
    return [unreadable, *check_source(readable, path)]


def _undecodable_line(content: bytes) -> int:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return content.count(b"\n", 0, error.start) + 1
    return 1
