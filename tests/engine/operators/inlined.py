"""What comes of records in a chain, to compare one that calls functions with one that has them inlined."""

from __future__ import annotations

import re
import sys
from contextlib import redirect_stderr
from io import StringIO
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from listed import ListHost

from stream_engine.graph.functions import UserFunction
from stream_engine.operators.code import is_generated, site_of
from stream_engine.report import full_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

OBJECTS: list[Any] = []


class Loaded(UserFunction):
    """A function that is itself in the chain, not a copy."""

    def load(self) -> Any:
        return OBJECTS[int(self.label)]


def own(call: Any) -> UserFunction:
    OBJECTS.append(call)
    return Loaded(b"", str(len(OBJECTS) - 1), None)


def called(action: Callable[[], Any], file: str) -> set[str]:
    """The functions of ``file`` that are called meanwhile."""
    names: set[str] = set()

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename == file:
            names.add(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(before)
    return names


def outcome(host: ListHost, records: Sequence[Any]) -> tuple[str, str, Any]:
    """What has come of records: results, the whole traceback, and who failed with which record."""
    try:
        host.chain.process_batch(records)
    except Exception as error:
        entry, site, record = error.__traceback__, None, None
        while entry is not None:
            if is_generated(entry.tb_frame.f_code):
                site = site_of(entry.tb_frame.f_code, entry.tb_lineno)
                record = entry.tb_frame.f_locals.get(site.record or "")
            entry = entry.tb_next
        assert site is not None
        text = re.sub(r"<chain \d+", "<chain", full_text(error))
        return repr(host.results), text, (site.operator, site.role, repr(record))
    return repr(host.results), "", None


def file_outcomes(
    directory: Path, text: str, kinds: Sequence[Any], batches: Sequence[str], before: str = "[]", timed: bool = False
) -> list[tuple[list[Any], str]]:
    """What comes of ``batches`` in a chain that calls f0, f1 ... of a file, then in one that has them inlined.

    A batch is an expression in the file, and so is ``before``, which is processed before anything is inlined; after the
    first batch the file's ``change`` is called, if it has one. The str is what has been written to standard error.
    """
    outcomes: list[tuple[list[Any], str]] = []
    path = directory / "functions_of_a_test.py"
    path.write_text(dedent(text))
    for inlines in (False, True):
        names: dict[str, Any] = {"__name__": "functions_of_a_test", "__file__": str(path)}
        exec(compile(path.read_text(), str(path), "exec", dont_inherit=True), names)
        operators = [kind(own(names[f"f{number}"])) for number, kind in enumerate(kinds)]
        host, error = ListHost(*operators, timestamped=timed), StringIO()
        with redirect_stderr(error):
            outcome(host, eval(before, names))
            if inlines:
                host.chain.inline()
            results = [outcome(host, eval(batches[0], names))]
            if "change" in names:
                names["change"]()
            results += [outcome(host, eval(batch, names)) for batch in batches[1:]]
        outcomes.append((results, re.sub(r"<chain \d+", "<chain", error.getvalue())))
    return outcomes
