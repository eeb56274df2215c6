"""The rolling reduce of a keyed stream."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from stream_engine.operators.keys import key_call
from stream_engine.operators.operator import FunctionOperator
from stream_engine.operators.reduction import Reduction
from stream_engine.operators.writer import write_key

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction
    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState
    from stream_engine.operators.tables import Table
    from stream_engine.operators.writer import ChainWriter


class ReduceOperator(FunctionOperator):
    """Every record gives its key a new value, which the next record of the key is reduced with."""

    one_for_one = True

    def __init__(self, identifier: int, name: str, function: UserFunction, key: UserFunction) -> None:
        super().__init__(identifier, name, function, key)
        self._reads = function.only_reads
        self._key_of = key_call(key)
        self._reduction = Reduction(function, self.call)

    @cached_property
    def _values(self) -> Table:
        return self.tables.values()

    def write(self, chain: ChainWriter, record: str) -> None:
        code = chain.code
        values = code.bind("values", self._values)
        key = write_key(chain, record, self._key_of)
        self.write_current_key(chain, key)
        value = self._reduction.write(chain, values, key, record)
        chain.forward(self.id, value if self._reads else self.released(chain, value))

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        snapshot = super().snapshot(checkpoint)
        snapshot.keyed["values"] = self._values
        self._reduction.snapshot(snapshot, bool(self._values))
        return snapshot

    def restore(self, state: RestoredState) -> None:
        super().restore(state)
        self._values.update(state.entries("values"))
        self._reduction.restore(state, bool(self._values))
