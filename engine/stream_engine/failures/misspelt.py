"""Guesses the name that is meant where a script uses one that does not exist.

Python 3.12 and later do so themselves, but not for a name that is imported from a module in a package.
"""

from __future__ import annotations

import builtins
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

_NOT_IMPORTED = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
# How much two names must be alike, from 0 to 1.
_ALIKE = 0.7
# Nobody waits for a guess among more names.
_MOST_NAMES = 2000


def meant_by(error: BaseException, traceback: TracebackType | None) -> str:
    """The existing name that is most like the one that ``error`` complains of; empty if none is alike.

    ``traceback`` is that of ``error``. May call code of the user, as that of ``__dir__``.
    """
    if isinstance(error, AttributeError):
        # An error that a script raises itself has no object.
        return "" if error.obj is None else _nearest(error.name, dir(error.obj))
    if isinstance(error, NameError):
        return _nearest(error.name, _visible_names(traceback))
    found = _NOT_IMPORTED.match(str(error)) if isinstance(error, ImportError) else None
    return _nearest(found[1], dir(sys.modules.get(found[2]))) if found else ""


def _visible_names(traceback: TracebackType | None) -> list[str]:
    """The names that the code that was running last could use."""
    if traceback is None:
        return []
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    frame = traceback.tb_frame
    if frame.f_code.co_filename.startswith("<"):
        # Not the script's own code: it has names of its own.
        return []
    return [*frame.f_locals, *frame.f_globals, *vars(builtins)]


def _nearest(name: object, names: Iterable[object]) -> str:
    from difflib import get_close_matches

    if not isinstance(name, str):
        return ""
    private = name.startswith("_")
    known = [each for each in names if isinstance(each, str) and (private or not each.startswith("_")) and each != name]
    matches = get_close_matches(name, known, 1, _ALIKE) if len(known) <= _MOST_NAMES else []
    return matches[0] if matches else ""
