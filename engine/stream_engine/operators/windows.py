"""Processing-time windows: reduce and apply, and the half of a reduce that runs before its exchange."""

from __future__ import annotations

import functools
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

from stream_engine.configuration.options import END_OF_INPUT
from stream_engine.operators.keys import MISSING, kept_key, key_call
from stream_engine.operators.operator import FunctionOperator
from stream_engine.operators.ownership import own
from stream_engine.operators.panes import Panes
from stream_engine.operators.reduction import Reduction
from stream_engine.operators.state import WINDOWED_REDUCE
from stream_engine.operators.tables import Merged
from stream_engine.operators.writer import write_key
from stream_engine.window import TimeWindow

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.specs import TimeWindows
    from stream_engine.operators.operator import Host
    from stream_engine.operators.panes import Contents
    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState
    from stream_engine.operators.tables import Entries
    from stream_engine.operators.writer import ChainWriter, Collector, Output


class PaneOperator(FunctionOperator):
    """Adds records to the current pane. The generated code has it under a name, which each new pane takes over.

    So no record needs to read the clock: the host does, between records, when it runs the timer at the pane's end.
    """

    # Whether the function itself emits, and may still use what it has emitted.
    hands_out = False
    # The kind of values that it keeps for a key.
    holds = "reduced values"

    def __init__(
        self, identifier: int, name: str, function: UserFunction, key: UserFunction, windows: TimeWindows
    ) -> None:
        super().__init__(identifier, name, function, key)
        self.panes = Panes(windows, new_contents=self._new_contents, holds=self.holds)
        self._behind: list[Panes] = []
        self._key_of = key_call(key)
        self._namespace: dict[str, Any] = {}
        self._pane_names: list[str] = []
        self._fires_at_end = True

    def _new_contents(self) -> Contents:
        return self.tables.values()

    @property
    def pending(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return bool(self.panes or self._behind)

    def write(self, chain: ChainWriter, record: str) -> None:
        self._collector: Collector = chain.collector(self.id, received=self.hands_out)
        self._namespace = chain.code.namespace
        pane = chain.code.bind("pane", {})
        self._pane_names.append(pane)
        self.write_add(chain, pane, write_key(chain, record, self._key_of), record)

    def write_add(self, chain: ChainWriter, pane: str, key: str, record: str) -> None:
        """Writes how a record joins the value of its key in the dict ``pane``."""
        raise NotImplementedError

    def open(self, host: Host, parallelism: int) -> None:
        super().open(host, parallelism)
        self._host = host
        self._fires_at_end = host.configuration.get(END_OF_INPUT) == "fire"
        self._begin_pane(self.panes.start(host.now()))
        if self.pending:
            # After a restore some windows may have ended meanwhile.
            host.schedule(host.now(), self._resume)

    def _resume(self) -> None:
        self.advance(self.panes.start(self._host.now()))

    def _turn_pane(self) -> None:
        start = self.panes.start(self._host.now())
        self.advance(start)
        self._begin_pane(start)

    def _begin_pane(self, start: int) -> None:
        self._use_pane(start)
        self._host.schedule(start + self.panes.width, self._turn_pane)

    def _use_pane(self, start: int) -> None:
        contents = self.panes.contents(start)
        for name in self._pane_names:
            self._namespace[name] = contents

    def advance(self, time: float) -> None:
        """No record before ``time`` (ms) will come any more: emits what is complete."""
        self._catch_up()
        for start, end, contents in self.panes.fire(time, self.merge):
            self.emit_window(start, end, contents)

    def _catch_up(self) -> None:
        while self._behind:
            for start, end, contents in self._behind.pop().catch_up(self.panes, self.merge):
                self.emit_window(start, end, contents)

    def before_snapshot(self) -> None:
        self._catch_up()

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        snapshot = super().snapshot(checkpoint)
        snapshot.keyed.update(self.panes.tables())
        return snapshot

    def restore(self, state: RestoredState) -> None:
        super().restore(state)
        self._behind = self.panes.restore(state)

    def emit_window(self, start: int, end: int, contents: Entries) -> None:
        """Emits what the function makes of a window's values, which it may change, at the window's last ms."""
        raise NotImplementedError

    def merge(self, panes: list[Contents]) -> Entries:
        """The values of a window, merged from several panes, which stay unchanged."""
        raise NotImplementedError

    def finish(self) -> None:
        if self._fires_at_end:
            self.advance(inf)


class ReducingOperator(PaneOperator):
    """One value per key and pane."""

    stateless = WINDOWED_REDUCE

    def __init__(
        self, identifier: int, name: str, function: UserFunction, key: UserFunction, windows: TimeWindows
    ) -> None:
        super().__init__(identifier, name, function, key, windows)
        self._reduction = Reduction(function, self.call)

    def write_add(self, chain: ChainWriter, pane: str, key: str, record: str) -> None:
        self._reduction.write(chain, pane, key, record)


class PreAggregateOperator(ReducingOperator):
    """Emits ``(pane, key, value)`` at the end of each pane, then marks its outputs with that time."""

    def write(self, chain: ChainWriter, record: str) -> None:
        super().write(chain, record)
        self._outputs: list[Output] = chain.outputs(self.id)

    def advance(self, time: float) -> None:
        self._emit_partials()
        if time != inf:
            for output in self._outputs:
                output.mark(int(time))

    def before_snapshot(self) -> None:
        # The state is kept after the exchange, by key, so another parallelism needs nothing from here.
        self._emit_partials()
        self._use_pane(self.panes.start(self._host.now()))

    def _emit_partials(self) -> None:
        emit = self._collector.collect
        for pane, values in self.panes.pop():
            for key, value in values.items():
                emit((pane, key, value))


class WindowReduceOperator(ReducingOperator):
    """Emits one value per key and window: the window's records, reduced."""

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        snapshot = super().snapshot(checkpoint)
        self._reduction.snapshot(snapshot, self.pending)
        return snapshot

    def restore(self, state: RestoredState) -> None:
        super().restore(state)
        self._reduction.restore(state, self.pending)

    def emit_window(self, start: int, end: int, contents: Entries) -> None:
        self._collector.time = end - 1
        emit = self._collector.collect
        for value in contents.values():
            emit(value)

    def merge(self, panes: list[Contents]) -> Entries:
        reduce = self.call
        if self.tables.by_entry:
            return Merged(panes, partial(functools.reduce, reduce))
        merged: dict[Any, Any] = {}
        for values in panes:
            for key, value in values.items():
                # A function may change its first argument, and the next window needs the panes.
                merged[key] = reduce(merged[key], own(value)) if key in merged else own(value)
        return merged


class MergeWindowsOperator(WindowReduceOperator):
    """A windowed reduce over partial results of PreAggregateOperators, whose marks tell it the time."""

    def write(self, chain: ChainWriter, record: str) -> None:
        self._collector = chain.collector(self.id)
        chain.code.line(f"{chain.code.bind('merge', self._merge_partial)}({record})", "function")

    def _begin_pane(self, start: int) -> None:
        """Does nothing: time comes with the marks of the inputs, so there is no current pane."""

    def _resume(self) -> None:
        self.advance(-inf)

    def _merge_partial(self, partial: tuple[int, Any, Any]) -> None:
        pane, key, value = partial
        values = self.panes.contents(pane)
        values[key] = own(self.call(values[key], value)) if key in values else value


class WindowApplyOperator(PaneOperator):
    """Calls ``apply(key, window, values, collector)`` per key and window; ``values`` is a new list."""

    hands_out = True
    applies = False
    holds = "all records"

    def write_add(self, chain: ChainWriter, pane: str, key: str, record: str) -> None:
        if not self.tables.by_entry:
            write_append(chain, pane, key, record)
            return
        kept = chain.code.bind("kept_key", kept_key)
        chain.code.line(f"{pane}.append({kept}({key}), {chain.owned(record)})", "hash")

    def _new_contents(self) -> Contents:
        return self.tables.lists()

    def emit_window(self, start: int, end: int, contents: Entries) -> None:
        self._collector.time = end - 1
        window = TimeWindow(start, end)
        for key, values in contents.items():
            self.states.key = key
            self.call(own(key), window, values, self._collector)

    def merge(self, panes: list[Contents]) -> Entries:
        if self.tables.by_entry:
            return Merged(panes, lambda lists: [value for values in lists for value in values])
        merged: dict[Any, list[Any]] = {}
        for contents in panes:
            for key, values in contents.items():
                merged.setdefault(key, []).extend(map(own, values))
        return merged


def write_append(chain: ChainWriter, lists: str, key: str, record: str) -> str:
    """Writes ``lists[key].append(record)``; names the variable with the key's list."""
    code = chain.code
    values = code.fresh("values")
    code.line(f"{values} = {lists}.get({key}, {code.bind('missing', MISSING)})", "hash")
    with code.block(f"if {values} is {code.bind('missing', MISSING)}:"):
        code.line(f"{values} = {lists}[{code.bind('kept_key', kept_key)}({key})] = []", "hash")
    code.line(f"{values}.append({chain.owned(record)})")
    return values
