"""How a function makes its result, as far as its code object shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.api.analysis.effects import uses
from stream_engine.api.analysis.signature import code_of, returns_nothing, signature_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from dis import Instruction
    from types import CodeType

# Of Python 3.10 to 3.13: what makes one value of one or two, and what does nothing that matters here.
_OF_ONE = {"UNARY_POSITIVE", "UNARY_NEGATIVE", "UNARY_NOT", "UNARY_INVERT", "LOAD_ATTR"}
_OF_TWO = {
    "BINARY_OP", "COMPARE_OP", "IS_OP", "CONTAINS_OP", "BINARY_ADD", "BINARY_SUBTRACT", "BINARY_MULTIPLY",
    "BINARY_TRUE_DIVIDE", "BINARY_FLOOR_DIVIDE", "BINARY_MODULO", "BINARY_POWER", "BINARY_LSHIFT", "BINARY_RSHIFT",
    "BINARY_AND", "BINARY_OR", "BINARY_XOR",
}  # fmt: skip
_NOTHING = {"RESUME", "NOP", "CACHE", "EXTENDED_ARG"}

# Values on the stack: the first argument; one of its fields, or a constant; any other; several as a new tuple.
_FIRST, _TAKEN, _MADE = "first", "taken", "made"
_Value = str | tuple[str, ...]


def made_fields(function: Any) -> tuple[int, ...]:
    """The positions of the fields that a call of ``function`` makes, if what it returns is always a new tuple.

    All other fields of the tuple are then constants, or fields of its first argument, which is a tuple, too. Empty if
    it makes no fields, or if its code does not show all this as plainly as ``lambda a, b: (a[0] + b[0], a[1])``.
    """
    from dis import get_instructions

    code, signature = code_of(function), signature_of(function)
    if code is None or signature is None or not signature.names or signature.variadic:
        return ()
    result = _result(code, signature.names[0], get_instructions(code))
    return tuple(index for index, value in enumerate(result) if value != _TAKEN) if isinstance(result, tuple) else ()


def loses_results(function: Any, parameter: int) -> bool:
    """Whether a call returns a value, and never looks at the positional parameter that is there to take its results.

    A lambda may be there for what it calls, and returns something in any case: only one that makes a new list or tuple,
    or that calls nothing, counts.
    """
    from dis import get_instructions

    code, signature = code_of(function), signature_of(function)
    if code is None or signature is None or parameter >= len(signature.names) or returns_nothing(function):
        return False
    instructions = list(get_instructions(code))
    if uses(code, instructions, {signature.names[parameter]}):
        return False
    if code.co_name != "<lambda>":
        return True
    *before, value, _ = (None, None, *(each for each in instructions if each.opname not in _NOTHING))
    if value is None or value.opname == "LOAD_CONST":
        return False
    calls = any(each is not None and each.opname.startswith("CALL") for each in (*before, value))
    return value.opname.startswith("BUILD_") or not calls


def _result(code: CodeType, first: str, instructions: Iterable[Instruction]) -> _Value | None:
    """What code without branches returns; None for code with branches."""
    variables: dict[str, _Value] = dict.fromkeys(code.co_varnames[: code.co_argcount], _MADE)
    variables[first] = _FIRST
    stack: list[_Value] = []
    for instruction in instructions:
        name, argument = instruction.opname, instruction.argval
        if name == "RETURN_VALUE":
            return stack.pop()
        if not (_moves(name, argument, variables, stack) or _combines(instruction, stack)):
            return None
    return None


def _moves(name: str, argument: Any, variables: dict[str, _Value], stack: list[_Value]) -> bool:
    """Performs an instruction that only moves values between stack and variables; returns whether it is one."""
    if name in ("LOAD_FAST", "LOAD_FAST_CHECK"):
        stack.append(variables[argument])
    elif name == "LOAD_FAST_LOAD_FAST":
        stack.extend(variables[each] for each in argument)
    elif name == "STORE_FAST":
        variables[argument] = stack.pop()
    elif name == "STORE_FAST_STORE_FAST":
        for each in argument:
            variables[each] = stack.pop()
    elif name == "STORE_FAST_LOAD_FAST":
        variables[argument[0]] = stack.pop()
        stack.append(variables[argument[1]])
    elif name == "LOAD_CONST":
        stack.append(_TAKEN)
    elif name == "UNPACK_SEQUENCE":
        field = _TAKEN if stack.pop() == _FIRST else _MADE
        stack.extend([field] * argument)
    else:
        return name in _NOTHING
    return True


def _combines(instruction: Instruction, stack: list[_Value]) -> bool:
    """Performs an instruction that makes one value of those on top of the stack; returns whether it is one."""
    name, argument = instruction.opname, instruction.argval
    if name == "BUILD_TUPLE":
        fields = [_TAKEN if stack.pop() == _TAKEN else _MADE for _ in range(argument)]
        stack.append(tuple(reversed(fields)))
    elif name == "BINARY_SUBSCR":
        # By whatever it is taken: all that the first argument has is what it has, and no tuple has fields by name.
        stack.pop()
        stack.append(_TAKEN if stack.pop() == _FIRST else _MADE)
    elif name in _OF_TWO and not instruction.argrepr.endswith("="):
        del stack[-2:]
        stack.append(_MADE)
    elif name in _OF_ONE:
        stack[-1] = _MADE
    else:
        return False
    return True
