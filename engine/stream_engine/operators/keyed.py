"""The rolling reduce of a keyed stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.operators.keys import check_key, key_call, write_key
from stream_engine.operators.operator import FunctionOperator

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction
    from stream_engine.operators.chain import ChainWriter


class ReduceOperator(FunctionOperator):
    """Every record gives its key's new value, which is also what the next record of the key is reduced with."""

    passes = True

    def __init__(self, identifier: int, name: str, function: UserFunction, key: UserFunction) -> None:
        super().__init__(identifier, name, function, key)
        self._key_of = key_call(key)
        self._values: dict[Any, Any] = {}

    def write(self, chain: ChainWriter, record: str) -> None:
        code = chain.code
        values, value = code.bind("values", self._values), code.fresh("v")
        key = write_key(chain, record, self._key_of)
        self.write_current_key(chain, key)
        write_reduce(chain, values, key, value, record, self.call)
        chain.forward(self.id, value)


def write_reduce(chain: ChainWriter, values: str, key: str, value: str, record: str, reduce: Any) -> None:
    """Writes ``values[key] = value = reduce(values[key], record)``; a key's first record is its first value."""
    code = chain.code
    # A key has many records and is new once.
    with code.block("try:"):
        code.line(f"{value} = {values}[{key}]", "hash")
    with code.block("except KeyError:"):
        code.line(f"{code.bind('check_key', check_key)}({key})", "hash")
        code.line(f"{value} = {record}")
    with code.block("else:"):
        code.line(f"{value} = {code.bind('reduce', reduce)}({value}, {record})", "function", value)
    # What is kept is the copy and what goes on is the original: either may be changed without the other.
    code.line(f"{values}[{key}] = {chain.owned(value)}", "hash")
