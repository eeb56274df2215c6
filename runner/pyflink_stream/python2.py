"""Recognises the syntax error of a Python 2 script, or of one in another encoding, and says what Python 3 wants."""

from __future__ import annotations

import shlex

# These findings are errors in Python 2, too.
_IN_ANY_PYTHON = {"syntax"}


def explain(error: SyntaxError) -> list[str]:
    """What is Python 2 at the error's line, and what to write in Python 3; the first line says the main thing.

    Also explains a file in another encoding. Empty when there is nothing to say.
    """
    if not error.filename:
        return []
    from pyflink_stream.check import check_files

    try:
        findings = check_files([error.filename])
    except OSError:
        return []
    for finding in findings:
        if finding.code == "encoding":
            return [f"{finding.filename}:{finding.line}: {finding.problem}; {finding.suggestion}"]
    here = [finding for finding in findings if finding.line == error.lineno]
    if isinstance(error, IndentationError):
        # The error shows where a depth becomes impossible, which may be lines below the tab that causes it.
        here = [finding for finding in findings if finding.code == "mixed-indentation"]
    if not here or any(finding.code in _IN_ANY_PYTHON for finding in here):
        return []
    where = f"in line {here[0].line} of {error.filename}"
    return [
        *(f"This is Python 2, {where}: {finding.problem}. Python 3: {finding.suggestion}" for finding in here),
        f"All that has to change is listed by: pyflink-stream --check {shlex.quote(error.filename)}",
    ]


def renamed_module(error: ModuleNotFoundError) -> str:
    """What Python 3 has in place of the missing module, if it is one of Python 2; otherwise empty."""
    from pyflink_stream.check.renamed import MODULES

    instead = MODULES.get(error.name or "")
    return f"This is Python 2. Python 3: {instead}" if instead else ""
