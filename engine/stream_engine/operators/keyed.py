"""Keys, and the rolling reduce of a keyed stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.operators.operator import FunctionOperator

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction
    from stream_engine.operators.chain import ChainWriter

MISSING = object()


class InvalidKeyError(TypeError):
    """A key that cannot be compared by value, so that equal keys would not meet."""


def key_call(selector: UserFunction) -> Any:
    """The callable that gives a record's key."""
    function = selector.load()
    return getattr(function, selector.method) if selector.method else function


def check_key(key: Any) -> None:
    """Called for each key met for the first time. Raises InvalidKeyError for one that only equals itself."""
    if isinstance(key, tuple):
        for item in key:
            check_key(item)
        return
    if type(key).__hash__ is object.__hash__:
        raise InvalidKeyError(
            f"{key!r} cannot be a key: {type(key).__name__} has neither __eq__ nor __hash__, so two equal keys would "
            "never meet. Define both, or key by its fields"
        )
    # Never true of a value that can be compared; NaN is the one that people meet.
    if key != key:
        raise InvalidKeyError(f"{key!r} cannot be a key: it does not equal itself")


def write_key(chain: ChainWriter, record: str, selector: Any) -> str:
    """Writes the call of a key selector; names the variable with the key."""
    key = chain.code.fresh("key")
    chain.code.line(f"{key} = {chain.code.bind('key_of', selector)}({record})", "key")
    return key


class ReduceOperator(FunctionOperator):
    """Every record gives its key's new value, which is also what the next record of the key is reduced with."""

    def __init__(self, identifier: int, name: str, function: UserFunction, key: UserFunction) -> None:
        super().__init__(identifier, name, function)
        self._key_of = key_call(key)
        self._values: dict[Any, Any] = {}

    def write(self, chain: ChainWriter, record: str) -> None:
        code = chain.code
        values, value = code.bind("values", self._values), code.fresh("v")
        key = write_key(chain, record, self._key_of)
        write_reduce(chain, values, key, value, record, self.call)
        chain.forward(self.id, value)


def write_reduce(chain: ChainWriter, values: str, key: str, value: str, record: str, reduce: Any) -> None:
    """Writes ``values[key] = value = reduce(values[key], record)``; a key's first record is its first value."""
    code = chain.code
    missing = code.bind("missing", MISSING)
    code.line(f"{value} = {values}.get({key}, {missing})", "hash")
    with code.block(f"if {value} is {missing}:"):
        code.line(f"{code.bind('check_key', check_key)}({key})", "hash")
        code.line(f"{value} = {record}")
    with code.block("else:"):
        code.line(f"{value} = {code.bind('reduce', reduce)}({value}, {record})", "function")
    # What is kept is the copy and what goes on is the original: either may be changed without the other.
    code.line(f"{values}[{key}] = {chain.owned(value)}", "hash")
