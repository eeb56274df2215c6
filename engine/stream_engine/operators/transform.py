"""Operators that look at one record alone: map, flat_map, filter, split; and the sources' and loops' way in."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any

from stream_engine.operators.operator import FunctionOperator, Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.operators.writer import ChainWriter


class PassOperator(Operator):
    """Hands records on as they are: the head of a source's chain, or of a loop."""

    passes = True
    one_for_one = True

    def write(self, chain: ChainWriter, record: str) -> None:
        chain.forward(self.id, record)


class ReceiveOperator(Operator):
    """The head of a chain whose records something else may still hold: a source that reuses one, or a collection.

    An object that a collection holds twice becomes two independent records.
    """

    passes = True
    one_for_one = True

    def write(self, chain: ChainWriter, record: str) -> None:
        chain.forward(self.id, chain.received(self.id, record))


class MapOperator(FunctionOperator):
    passes = True
    one_for_one = True

    def write(self, chain: ChainWriter, record: str) -> None:
        self.write_record_key(chain, record)
        code = chain.code
        result = code.fresh("v")
        code.line(f"{result} = {code.bind('map', self.call)}({record})", "function")
        chain.forward(self.id, self.released(chain, result))


class FlatMapOperator(FunctionOperator):
    def write(self, chain: ChainWriter, record: str) -> None:
        self.write_record_key(chain, record)
        code = chain.code
        collector = code.bind("collector", chain.collector(self.id, received=True))
        chain.stamp(collector)
        code.line(f"{code.bind('flat_map', self.call)}({record}, {collector})", "function")


class FilterOperator(FunctionOperator):
    passes = True

    def write(self, chain: ChainWriter, record: str) -> None:
        self.write_record_key(chain, record)
        code = chain.code
        with code.block(f"if {code.bind('filter', self.call)}({record}):", "function"):
            chain.forward(self.id, self.released(chain, record))


class SplitOperator(FunctionOperator):
    """Names each record's outputs; a record goes at most once to each stream that selects one of its names."""

    passes = True

    def write(self, chain: ChainWriter, record: str) -> None:
        self.write_record_key(chain, record)
        code = chain.code
        select, names = code.fresh("select"), code.fresh("names")
        code.namespace[select] = self._checked_once(code.namespace, select)
        code.line(f"{names} = {select}({record})", "function")
        with code.block(f"if {names}.__class__ is not list:"):
            with code.block(f"if {names}.__class__ is str:"):
                code.line(f"{names} = ({names},)")
            with code.block(f"elif {names}.__class__ is not tuple:"):
                code.line(f"{names} = {code.bind('checked', _checked)}({names})")
        chain.forward(self.id, self.released(chain, record), names)

    def _checked_once(self, namespace: dict[str, Any], name: str) -> Callable[[Any], Any]:
        """A selector for ``name`` that checks the names of the first record; then it is replaced by the user's.

        A selector that returns a list of something else does so for every record; checking each costs too much.
        """

        def select(record: Any) -> tuple[str, ...]:
            names = _checked(self.call(record))
            namespace[name] = self.call
            return names

        return select


def _checked(names: Any) -> tuple[str, ...]:
    """The result of a selector as a tuple of names. Raises TypeError if it is neither a name nor names."""
    listed = (names,) if isinstance(names, str) else tuple(names) if hasattr(names, "__iter__") else None
    if listed is None or not all(isinstance(name, str) for name in listed):
        raise TypeError(
            f"the selector of a split returned {reprlib.repr(names)}: it must return the names of the outputs that the "
            "record goes to, a list of str or one str, or an empty list for none"
        )
    return listed
