"""Operators that look at one record alone: map, flat_map, filter, split; and the sources' and loops' way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.operators.operator import FunctionOperator, Operator

if TYPE_CHECKING:
    from stream_engine.operators.chain import ChainWriter


class PassOperator(Operator):
    """Hands records on as they are: the head of a source's chain, or of a loop."""

    def write(self, chain: ChainWriter, record: str) -> None:
        chain.forward(self.id, record)


class ReceiveOperator(Operator):
    """The head of a chain whose records something else may still hold: a source that reuses one, or a collection.

    An object that a collection holds twice is two records, each its own.
    """

    def write(self, chain: ChainWriter, record: str) -> None:
        chain.forward(self.id, chain.received(self.id, record))


class MapOperator(FunctionOperator):
    def write(self, chain: ChainWriter, record: str) -> None:
        self.write_record_key(chain, record)
        code = chain.code
        result = code.fresh("v")
        code.line(f"{result} = {code.bind('map', self.call)}({record})", "function")
        chain.forward(self.id, result)


class FlatMapOperator(FunctionOperator):
    def write(self, chain: ChainWriter, record: str) -> None:
        self.write_record_key(chain, record)
        code = chain.code
        collector = code.bind("collector", chain.collector(self.id, received=True))
        chain.stamp(collector)
        code.line(f"{code.bind('flat_map', self.call)}({record}, {collector})", "function")


class FilterOperator(FunctionOperator):
    def write(self, chain: ChainWriter, record: str) -> None:
        self.write_record_key(chain, record)
        code = chain.code
        with code.block(f"if {code.bind('filter', self.call)}({record}):", "function"):
            chain.forward(self.id, record)


class SplitOperator(FunctionOperator):
    """Names each record's outputs; a record goes at most once to each stream that selects one of its names."""

    def write(self, chain: ChainWriter, record: str) -> None:
        self.write_record_key(chain, record)
        code = chain.code
        names = code.fresh("names")
        code.line(f"{names} = {code.bind('select', self.call)}({record})", "function")
        with code.block(f"if {names}.__class__ is str:"):
            code.line(f"{names} = ({names},)")
        chain.forward(self.id, record, names)
