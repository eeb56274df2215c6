"""What a function does to the records it is called with, as far as its code object shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.api.analysis.signature import code_of, signature_of

if TYPE_CHECKING:
    from dis import Instruction
    from types import CodeType

# Of Python 3.10 to 3.13: what moves values about between the stack and variables, what makes new ones of them, and
# jumps. Not here: calls, as anything may happen in them, what changes an object, and what keeps one beyond the call.
_READING = {
    "RESUME", "NOP", "CACHE", "EXTENDED_ARG", "POP_TOP", "COPY", "SWAP", "COPY_FREE_VARS",
    "ROT_TWO", "ROT_THREE", "ROT_FOUR", "ROT_N", "DUP_TOP", "DUP_TOP_TWO",
    "LOAD_CONST", "LOAD_GLOBAL", "LOAD_DEREF", "LOAD_ATTR", "LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_LOAD_FAST",
    "STORE_FAST", "STORE_FAST_STORE_FAST", "STORE_FAST_LOAD_FAST", "UNPACK_SEQUENCE",
    "UNARY_POSITIVE", "UNARY_NEGATIVE", "UNARY_NOT", "UNARY_INVERT", "TO_BOOL",
    "BINARY_OP", "BINARY_SLICE", "BINARY_ADD", "BINARY_SUBTRACT", "BINARY_MULTIPLY",
    "BINARY_TRUE_DIVIDE", "BINARY_FLOOR_DIVIDE", "BINARY_MODULO", "BINARY_POWER", "BINARY_LSHIFT", "BINARY_RSHIFT",
    "BINARY_AND", "BINARY_OR", "BINARY_XOR", "COMPARE_OP", "IS_OP", "CONTAINS_OP",
    "BUILD_TUPLE", "BUILD_LIST", "BUILD_MAP", "BUILD_CONST_KEY_MAP", "BUILD_SLICE", "BUILD_STRING",
    "FORMAT_VALUE", "FORMAT_SIMPLE", "FORMAT_WITH_SPEC", "CONVERT_VALUE", "RETURN_VALUE", "RETURN_CONST",
}  # fmt: skip
_JUMPS = ("JUMP_", "POP_JUMP_")
# Names through which a function can reach its parameters without naming them.
_INSPECTING = {"dir", "eval", "exec", "globals", "locals", "vars", "_getframe", "currentframe"}


def only_reads(function: Any) -> bool:
    """Whether a call of ``function`` can neither change the records it is given nor keep them beyond the call.

    It may return one of them, or part of one. Operators and attributes of a record are assumed not to change it;
    everything else that could change it counts as a change.
    """
    from dis import get_instructions

    code, signature = code_of(function), signature_of(function)
    if code is None or signature is None or signature.variadic:
        return False
    instructions = list(get_instructions(code))
    reads = all(map(_reads, instructions, [None, *instructions]))
    return reads or not uses(code, instructions, set(signature.names))


def _reads(instruction: Instruction, before: Instruction | None) -> bool:
    name = instruction.opname
    if name == "BINARY_SUBSCR" and before is not None:
        # A defaultdict gets an entry for a key that it lacks; by position or slice, nothing does.
        return before.opname == "BUILD_SLICE" or isinstance(before.argval, int)
    # ``a += b`` may change what a stands for.
    in_place = name == "BINARY_OP" and instruction.argrepr.endswith("=")
    return not in_place and (name in _READING or name.startswith(_JUMPS))


def uses(code: CodeType, instructions: list[Instruction], parameters: set[str]) -> bool:
    """Whether one of the parameters is ever looked at."""
    if not (parameters.isdisjoint(code.co_cellvars) and _INSPECTING.isdisjoint(code.co_names)):
        return True
    local = (instruction.argval for instruction in instructions if "FAST" in instruction.opname)
    return any(not parameters.isdisjoint((names,) if isinstance(names, str) else names) for names in local)
