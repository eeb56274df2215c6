"""The rolling reduce of a keyed stream."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from stream_engine.operators.keys import kept_key, key_call, write_key
from stream_engine.operators.operator import FunctionOperator
from stream_engine.operators.ownership import own

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction
    from stream_engine.operators.chain import ChainWriter
    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState
    from stream_engine.operators.tables import Table


class ReduceOperator(FunctionOperator):
    """Every record gives its key's new value, which is also what the next record of the key is reduced with."""

    one_for_one = True

    def __init__(self, identifier: int, name: str, function: UserFunction, key: UserFunction) -> None:
        super().__init__(identifier, name, function, key)
        self._reads = function.only_reads
        self._key_of = key_call(key)

    @cached_property
    def _values(self) -> Table:
        return self.tables.values()

    def write(self, chain: ChainWriter, record: str) -> None:
        code = chain.code
        values, value = code.bind("values", self._values), code.fresh("v")
        key = write_key(chain, record, self._key_of)
        self.write_current_key(chain, key)
        kept = write_reduce(chain, values, key, value, record, self.call)
        if self._reads and kept != value:
            # What a function makes of a record without a copy of it may be the record, or have part of it.
            with code.block(f"if {kept} is not {value}:"):
                code.line(f"{value} = {code.bind('own', own)}({value})")
        elif not self._reads:
            value = self.released(chain, value)
        chain.forward(self.id, value)

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        snapshot = super().snapshot(checkpoint)
        snapshot.keyed["values"] = self._values
        return snapshot

    def restore(self, state: RestoredState) -> None:
        super().restore(state)
        self._values.update(state.entries("values"))


def write_reduce(chain: ChainWriter, values: str, key: str, value: str, record: str, reduce: Any) -> str:
    """Writes ``values[key] = value = reduce(values[key], record)``; a key's first record is its first value.

    Names the variable with what is kept: a copy, unless ``value`` cannot change.
    """
    code = chain.code
    # A key has many records and is new once.
    with code.block("try:"):
        code.line(f"{value} = {values}[{key}]", "hash")
    with code.block("except KeyError:"):
        code.line(f"{key} = {code.bind('kept_key', kept_key)}({key})", "hash")
        code.line(f"{value} = {record}")
    with code.block("else:"):
        code.line(f"{value} = {code.bind('reduce', reduce)}({value}, {record})", "function", value)
    # What is kept is the copy and what goes on is the original: either may be changed without the other.
    kept = chain.owned(value)
    code.line(f"{values}[{key}] = {kept}", "hash")
    return kept
