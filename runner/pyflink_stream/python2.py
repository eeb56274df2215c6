"""Recognises the syntax error of a Python 2 script, and says how Python 3 writes the line."""

from __future__ import annotations

import shlex

# What is found on these grounds is an error in Python 2, too.
_IN_ANY_PYTHON = {"syntax", "encoding"}


def explain(error: SyntaxError) -> list[str]:
    """What at the error's line is Python 2, and what Python 3 has for it, in lines of which the first says it all.

    Empty when it does not look like Python 2.
    """
    if not error.filename or not error.lineno:
        return []
    from pyflink_stream.check import check_files

    try:
        findings = check_files([error.filename])
    except OSError:
        return []
    here = [finding for finding in findings if finding.line == error.lineno]
    if isinstance(error, IndentationError):
        # It shows where a depth becomes impossible, which may be lines below the tab that is the cause.
        here = [finding for finding in findings if finding.code == "mixed-indentation"]
    if not here or any(finding.code in _IN_ANY_PYTHON for finding in here):
        return []
    where = f"in line {here[0].line} of {error.filename}"
    return [
        *(f"This is Python 2, {where}: {finding.problem}. Python 3: {finding.suggestion}" for finding in here),
        f"All that has to change is listed by: pyflink-stream --check {shlex.quote(error.filename)}",
    ]


def renamed_module(error: ModuleNotFoundError) -> str:
    """What Python 3 has in place of the module that was not found, if that is one of Python 2; else empty."""
    from pyflink_stream.check.renamed import MODULES

    instead = MODULES.get(error.name or "")
    return f"This is Python 2. Python 3: {instead}" if instead else ""
