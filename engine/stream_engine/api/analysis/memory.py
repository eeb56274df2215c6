"""Whether a function may keep anything after a call, as far as its code object and the names that it uses show."""

from __future__ import annotations

import builtins
import sys
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from stream_engine.api.analysis.effects import uses
from stream_engine.api.analysis.signature import code_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from dis import Instruction

# Types of values that a function may use and that cannot hold a record.
_ROOMLESS = (int, str, float, bytes, complex)


def forgets(function: Any) -> bool:
    """Whether ``function`` can keep nothing that a call gets or returns.

    Classes and functions of the standard library are assumed not to keep their arguments.
    """
    return _forgets(function, set())


def _forgets(function: Any, met: set[int]) -> bool:
    if isinstance(function, type) or _is_standard(function):
        return True
    code = code_of(function)
    if code is None:
        return False
    called = function if isinstance(function, FunctionType | MethodType) else function.__call__
    plain = called.__func__ if isinstance(called, MethodType) else called
    if id(plain) in met:
        return True
    met.add(id(plain))
    owner = called.__self__ if isinstance(called, MethodType) else None
    known = [*(plain.__defaults__ or ()), *(plain.__kwdefaults__ or {}).values()]
    known += [_content(cell) for cell in plain.__closure__ or ()]
    return all(_has_no_room(value, met) for value in known) and _reaches_nothing(code, owner, plain.__globals__, met)


def _reaches_nothing(code: CodeType, owner: Any, names: dict[str, Any], met: set[int]) -> bool:
    """Whether the code, and code inside it, uses nothing of its ``owner`` and no global that could keep something."""
    from dis import get_instructions

    instructions = list(get_instructions(code))
    if owner is not None and not _only_asks_for_plain(owner, code, instructions):
        return False
    for instruction, after in zip(instructions, [*instructions[1:], None], strict=True):
        if instruction.opname in ("STORE_GLOBAL", "IMPORT_NAME"):
            return False
        if instruction.opname == "STORE_DEREF" and instruction.argval in code.co_freevars:
            return False
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            value = names.get(instruction.argval, getattr(builtins, instruction.argval, None))
            # Attributes of a class of the script can keep something, as globals can.
            attribute = after is not None and after.opname in ("LOAD_ATTR", "LOAD_METHOD")
            if attribute and isinstance(value, type) and not _is_standard(value):
                return False
            if not _has_no_room(value, met):
                return False
    return all(_reaches_nothing(within, None, names, met) for within in _within(code))


def _only_asks_for_plain(owner: Any, code: CodeType, instructions: list[Instruction]) -> bool:
    """Whether a method does nothing with its object but look up attributes that have no room for a record."""
    name = code.co_varnames[0]
    if hasattr(owner, "open"):
        # It may set its attributes.
        return not uses(code, instructions, {name})
    plain = {attribute for attribute, value in getattr(owner, "__dict__", {}).items() if type(value) in _ROOMLESS}
    rest: list[Instruction] = []
    for instruction, after in zip(instructions, [*instructions[1:], None], strict=True):
        loaded = instruction.argval if instruction.opname.startswith("LOAD_FAST") else None
        loaded = loaded if isinstance(loaded, tuple) else (loaded,)
        asked = after is not None and after.opname == "LOAD_ATTR" and after.argval in plain
        if loaded[-1] != name or name in loaded[:-1] or not asked:
            rest.append(instruction)
    return not uses(code, rest, {name})


def _within(code: CodeType) -> Iterator[CodeType]:
    return (constant for constant in code.co_consts if isinstance(constant, CodeType))


def _has_no_room(value: Any, met: set[int]) -> bool:
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0] in sys.stdlib_module_names
    return (
        type(value) in _ROOMLESS
        or (isinstance(value, type | FunctionType) and _forgets(value, met))
        or (isinstance(value, BuiltinFunctionType) and _is_standard(value))
    )


def _is_standard(function: Any) -> bool:
    """Whether it is a function or class of the standard library, and not a method of an object."""
    if isinstance(function, BuiltinFunctionType) and not isinstance(function.__self__, ModuleType | type(None)):
        return False
    if not isinstance(function, BuiltinFunctionType | FunctionType | type):
        return False
    return (function.__module__ or "").partition(".")[0] in sys.stdlib_module_names


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        # The cell is filled later, with a value that is still unknown.
        return None
