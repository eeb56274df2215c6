"""Windows that count a key's records: the last ``size`` of them, every ``slide``."""

from __future__ import annotations

from collections import deque
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any

from stream_engine.operators.keys import kept_key, key_call
from stream_engine.operators.operator import FunctionOperator
from stream_engine.operators.ownership import own
from stream_engine.operators.state import WINDOWED_REDUCE
from stream_engine.operators.writer import write_key
from stream_engine.window import GlobalWindow

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.specs import CountWindows
    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState
    from stream_engine.operators.tables import Table
    from stream_engine.operators.writer import ChainWriter, Collector


class CountWindow:
    """The last records of one key, and how many have come since the window last fired."""

    __slots__ = ("fresh", "values")

    def __init__(self, size: int) -> None:
        self.values: deque[Any] = deque(maxlen=size)
        self.fresh = 0


class CountWindowOperator(FunctionOperator):
    """Fires a key's window at every ``slide``-th record of the key, with at most the last ``size`` records.

    Records that are left at the end of the input do not fire. As in Flink, a sliding window fires before it is full.
    """

    applies = False
    # Whether the function itself emits, and may still use what it has emitted.
    hands_out = False

    def __init__(
        self, identifier: int, name: str, function: UserFunction, key: UserFunction, windows: CountWindows
    ) -> None:
        super().__init__(identifier, name, function, key)
        self._windows = windows
        self._key_of = key_call(key)

    @cached_property
    def _open_windows(self) -> Table:
        return self.tables.values()

    def write(self, chain: ChainWriter, record: str) -> None:
        code = chain.code
        self.collector: Collector = chain.collector(self.id, received=self.hands_out)
        key = write_key(chain, record, self._key_of)
        window, lookup = code.fresh("window"), code.bind("window_of", self._window_of)
        code.line(f"{window} = {lookup}({key})", "hash")
        code.line(f"{window}.values.append({chain.owned(record)})")
        code.line(f"{window}.fresh += 1")
        with code.block(f"if {window}.fresh == {self._windows.slide}:"):
            chain.stamp(f"{code.bind('operator', self)}.collector")
            code.line(f"{code.bind('fire', self._fire)}({key}, {window})", "function")
        if self.tables.by_entry:
            with code.block("else:"):
                code.line(f"{code.bind('windows', self._open_windows)}[{key}] = {window}", "hash")

    def _window_of(self, key: Any) -> CountWindow:
        window = self._open_windows.get(key)
        if window is None:
            window = self._open_windows[kept_key(key)] = CountWindow(self._windows.size)
        return window

    def _fire(self, key: Any, window: CountWindow) -> None:
        window.fresh = 0
        if self._windows.size <= self._windows.slide:
            del self._open_windows[key]
            self.emit(key, list(window.values))
        else:
            if self.tables.by_entry:
                self._open_windows[key] = window
            self.emit(key, [own(value) for value in window.values])

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        snapshot = super().snapshot(checkpoint)
        snapshot.keyed["windows"] = self._open_windows
        return snapshot

    def restore(self, state: RestoredState) -> None:
        super().restore(state)
        self._open_windows.update((key, self._adapted(window)) for key, window in state.entries("windows"))

    def _adapted(self, former: CountWindow) -> CountWindow:
        """The window as if the script had always given these sizes; with too many records it fires next."""
        window = CountWindow(self._windows.size)
        window.values.extend(former.values)
        window.fresh = min(former.fresh, self._windows.slide - 1)
        return window

    def emit(self, key: Any, values: list[Any]) -> None:
        """Emits what the function makes of a window's records."""
        raise NotImplementedError


class CountWindowReduceOperator(CountWindowOperator):
    stateless = WINDOWED_REDUCE

    def emit(self, key: Any, values: list[Any]) -> None:
        self.collector.collect(reduce(self.call, values))


class CountWindowApplyOperator(CountWindowOperator):
    hands_out = True

    def emit(self, key: Any, values: list[Any]) -> None:
        self.states.key = key
        self.call(key, GlobalWindow(), values, self.collector)
