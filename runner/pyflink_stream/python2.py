"""Recognises the syntax error of a Python 2 script, or of one in another encoding, and says what Python 3 wants."""

from __future__ import annotations

import re
import shlex

# These findings are errors in Python 2, too.
_IN_ANY_PYTHON = {"syntax"}
# What Python says of a name that is missing, perhaps with a name that looks like it.
_MISSING = re.compile(
    r"(?P<what>(?:NameError: name '(?P<name>\w+)' is not defined)"
    r"|(?:AttributeError: (?:module '(?P<module>\w+)'|'(?P<kind>\w+)' object) has no attribute '(?P<attribute>\w+)'))"
    r"(?:\. Did you mean: .*)?"
)


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


def missing_name(what: str) -> tuple[str, str]:
    """Of an error as Python tells it: what is missing, and what Python 3 has in its place.

    Both are empty if it is nothing that Python 2 has.
    """
    missing = _MISSING.fullmatch(what)
    instead = _instead(missing) if missing else ""
    return (missing["what"], f"Python 2 had it. Python 3: {instead}") if missing and instead else ("", "")


def _instead(missing: re.Match[str]) -> str:
    from pyflink_stream.check import renamed

    attribute, kind = missing["attribute"], missing["kind"]
    if missing["name"]:
        return renamed.BUILTINS.get(missing["name"], "")
    if missing["module"]:
        return renamed.MEMBERS.get(f"{missing['module']}.{attribute}", "")
    if attribute == "has_key":
        return "key in d" if kind.endswith("dict") else ""
    if attribute in renamed.DICT_METHODS:
        return f"{renamed.DICT_METHODS[attribute]}()" if kind.lower().endswith(("dict", "counter")) else ""
    if (kind, attribute) == ("str", "decode"):
        return "a str is text already: leave decode out"
    if attribute == "next":
        return "next(iterator)" if kind == "generator" or kind.endswith("iterator") else ""
    return renamed.FUNCTION_ATTRIBUTES.get(attribute, "") if kind in {"function", "method"} else ""
