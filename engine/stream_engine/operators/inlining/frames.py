"""Tracebacks as they would be if no function had been put into a chain."""

from __future__ import annotations

from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING

from stream_engine.failures import causes
from stream_engine.operators.code import is_generated, site_of

if TYPE_CHECKING:
    from types import CodeType

    from stream_engine.operators.code import Inlined

# What only frames that are made here have as a variable.
_MARK = "<inlined>"
_Place = tuple[int, int, int, int]


class _Raised(Exception):
    """Raised where a frame is needed for a traceback."""


def show_inlined(error: BaseException) -> None:
    """Adds the frames of functions that are part of a chain to the traceback of ``error``, and of all behind it."""
    for each in (error, *causes.behind(error)):
        traceback = causes.traceback_of(each)
        while traceback is not None:
            code = traceback.tb_frame.f_code
            inlined = site_of(code, traceback.tb_lineno).inlined if is_generated(code) else ()
            if inlined and not _is_shown(traceback.tb_next):
                traceback.tb_next = _entries(inlined, code, traceback)
            traceback = traceback.tb_next


def _is_shown(traceback: TracebackType | None) -> bool:
    return traceback is not None and _MARK in traceback.tb_frame.f_locals


def _entries(inlined: tuple[Inlined, ...], code: CodeType, traceback: TracebackType) -> TracebackType | None:
    following = traceback.tb_next
    for each in reversed(inlined):
        place = each.place or _place(code, traceback, each.line - traceback.tb_lineno)
        frame = _frame(each.function.__code__, each.function.__globals__, place)
        following = TracebackType(following, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return following


def _place(code: CodeType, traceback: TracebackType, shift: int) -> _Place:
    """What an instruction of the chain stands for; ``shift`` is how far its lines are from those of the function."""
    line = traceback.tb_lineno
    last, column, end = line, 0, 0
    positions = getattr(code, "co_positions", None)
    if positions is not None:
        _, *others = next(islice(positions(), traceback.tb_lasti // 2, None))
        last, column, end = (0 if other is None else other for other in others)
    return line + shift, max(line, last) + shift, column, end


def _frame(code: CodeType, names: dict[str, object], place: _Place) -> TracebackType:
    """An entry of a traceback, at a place in the function with that code and these globals."""
    import ast

    line, last, column, end = place
    at = {"lineno": line, "end_lineno": last, "col_offset": column, "end_col_offset": end}
    body: list[ast.stmt] = [ast.Raise(ast.Name(_MARK, ast.Load(), **at), None, **at)]
    names_of = {name: getattr(code, name) for name in ("co_name", "co_qualname") if hasattr(code, name)}
    made = compile(ast.Module(body, []), code.co_filename, "exec").replace(**names_of)
    try:
        exec(made, names, {_MARK: _Raised()})
    except _Raised as raised:
        traceback = raised.__traceback__
        raised.__traceback__ = None
        assert traceback is not None and traceback.tb_next is not None
        return traceback.tb_next
    raise AssertionError("the frame has not raised anything")
