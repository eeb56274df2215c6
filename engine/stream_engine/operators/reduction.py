"""Keeps the values of keys for a reduce, as private copies that nothing else can change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.operators.keys import kept_key
from stream_engine.operators.ownership import NoClass, atoms, own

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.graph.functions import UserFunction
    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState
    from stream_engine.operators.writer import ChainWriter

_STEADY = "steady"


class Reduction:
    """Writes the reduction of one operator, whose function is called by ``reduce``.

    Most functions make a new tuple of computed fields and of fields of the previous value, and their code shows which
    (see UserFunction.made_fields). While the reduction is ``steady``, which means that all values so far were immutable
    tuples, only the new fields need a look.
    """

    def __init__(self, function: UserFunction, reduce: Callable[[Any, Any], Any]) -> None:
        self._reduce = reduce
        self._reads = function.only_reads
        self._made = function.made_fields
        self.steady = False
        # Where the generated code finds the classes that new fields may have: that of the field in a first record,
        # with the field; and all.
        self._namespace: dict[str, Any] = {}
        self._likely: list[tuple[str, int]] = []
        self._known: list[str] = []

    def write(self, chain: ChainWriter, values: str, key: str, record: str) -> str:
        """Writes ``values[key] = value = reduce(values[key], record)``; a key's first record is its first value.

        Returns the name of the variable with the value; if the value can change, another copy is kept.
        """
        code = chain.code
        value, kept = code.fresh("v"), code.fresh("kept")
        by_field = bool(self._made) and not chain.reuse
        # A key is new once, and has many records.
        with code.block("try:"):
            code.line(f"{value} = {values}[{key}]", "hash")
        with code.block("except KeyError:"):
            code.line(f"{key} = {code.bind('kept_key', kept_key)}({key})", "hash")
            if by_field:
                code.line(f"{value} = {code.bind('first', self._first)}({record})")
                code.line(f"{kept} = {code.bind('own', own)}({value})")
                code.line(f"{values}[{key}] = {kept}", "hash")
            else:
                code.line(f"{value} = {record}")
        with code.block("else:"):
            code.line(f"{value} = {code.bind('reduce', self._reduce)}({value}, {record})", "function", value)
            if by_field:
                with code.block(f"if {self._unknown(chain, value)}:"):
                    code.line(f"{kept} = {code.bind('changing', self._changing)}({value})")
                    code.line(f"{values}[{key}] = {kept}", "hash")
                    code.line(f"{value} = {code.bind('own', own)}({value})")
                with code.block("else:"):
                    code.line(f"{values}[{key}] = {value}", "hash")
        if by_field:
            return value
        # The copy is kept and the original is emitted: either may change without the other.
        kept = chain.owned(value)
        code.line(f"{values}[{key}] = {kept}", "hash")
        if self._reads and kept != value:
            # The result of a function may be the record itself, or hold part of it.
            with code.block(f"if {kept} is not {value}:"):
                code.line(f"{value} = {code.bind('own', own)}({value})")
        return value

    def snapshot(self, snapshot: OperatorSnapshot, values: bool) -> None:
        """Adds what is known of the values to a snapshot, if there are ``values``."""
        if values and self._made:
            snapshot.own[_STEADY] = self.steady

    def restore(self, state: RestoredState, values: bool) -> None:
        """Restores what was known of the values, if there are ``values``."""
        known = state.each(_STEADY)
        if values and not (known and all(known)):
            self._unsettle()

    def _unknown(self, chain: ChainWriter, value: str) -> str:
        """The expression that is true if a field of a new value, a tuple, may be mutable."""
        code = chain.code
        self._namespace, self.steady = code.namespace, True
        known = code.bind("known", atoms)
        self._known.append(known)
        conditions: list[str] = []
        for field in self._made:
            likely = code.bind("likely", NoClass)
            self._likely.append((likely, field))
            kind = f"{value}[{field}].__class__"
            conditions.append(f"{kind} is not {likely} and {kind} not in {known}")
        return " or ".join(conditions)

    def _first(self, record: Any) -> Any:
        """The value that a key has after its first record."""
        value = own(record)
        if value is not record or type(record) is not tuple:
            self._unsettle()
        elif self.steady:
            for likely, field in self._likely:
                self._namespace[likely] = type(record[field]) if type(record[field]) in atoms else NoClass
        return value

    def _changing(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        """The copy to keep of a value with a field that may be mutable."""
        kept = own(value)
        if kept is not value:
            self._unsettle()
        return kept

    def _unsettle(self) -> None:
        """From now on, all fields of all values are checked."""
        if self.steady:
            self.steady = False
            for name in self._known:
                self._namespace[name] = ()
            for name, _ in self._likely:
                self._namespace[name] = NoClass
