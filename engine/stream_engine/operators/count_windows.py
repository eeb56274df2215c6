"""Windows that count a key's records: the last ``size`` of them, every ``slide``."""

from __future__ import annotations

from collections import deque
from functools import reduce
from typing import TYPE_CHECKING, Any

from stream_engine.operators.keys import check_key, key_call, write_key
from stream_engine.operators.operator import FunctionOperator
from stream_engine.operators.ownership import own
from stream_engine.operators.state import WINDOWED_REDUCE
from stream_engine.window import GlobalWindow

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.operators import CountWindows
    from stream_engine.operators.chain import ChainWriter, Collector
    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState


class _Window:
    """The last records of one key, and how many have come since the window last fired."""

    __slots__ = ("fresh", "values")

    def __init__(self, size: int) -> None:
        self.values: deque[Any] = deque(maxlen=size)
        self.fresh = 0


class CountWindowOperator(FunctionOperator):
    """Fires a key's window at every ``slide``-th record of the key, with at most the last ``size`` of them.

    What is left at the end of the input does not fire. As in Flink, a window that slides fires before it is full.
    """

    applies = False

    def __init__(
        self, identifier: int, name: str, function: UserFunction, key: UserFunction, windows: CountWindows
    ) -> None:
        super().__init__(identifier, name, function, key)
        self._windows = windows
        self._key_of = key_call(key)
        self._open_windows: dict[Any, _Window] = {}

    def write(self, chain: ChainWriter, record: str) -> None:
        code = chain.code
        self.collector: Collector = chain.collector(self.id)
        key = write_key(chain, record, self._key_of)
        window, lookup = code.fresh("window"), code.bind("window_of", self._window_of)
        code.line(f"{window} = {lookup}({key})", "hash")
        code.line(f"{window}.values.append({chain.owned(record)})")
        code.line(f"{window}.fresh += 1")
        with code.block(f"if {window}.fresh == {self._windows.slide}:"):
            chain.stamp(f"{code.bind('operator', self)}.collector")
            code.line(f"{code.bind('fire', self._fire)}({key}, {window})", "function")

    def _window_of(self, key: Any) -> _Window:
        window = self._open_windows.get(key)
        if window is None:
            check_key(key)
            window = self._open_windows[key] = _Window(self._windows.size)
        return window

    def _fire(self, key: Any, window: _Window) -> None:
        window.fresh = 0
        if self._windows.size <= self._windows.slide:
            del self._open_windows[key]
            self.emit(key, list(window.values))
        else:
            self.emit(key, [own(value) for value in window.values])

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        snapshot = super().snapshot(checkpoint)
        snapshot.keyed["windows"] = {
            key: (list(window.values), window.fresh) for key, window in self._open_windows.items()
        }
        return snapshot

    def restore(self, state: RestoredState) -> None:
        super().restore(state)
        for key, (values, fresh) in state.keyed.get("windows", {}).items():
            window = self._open_windows[key] = _Window(self._windows.size)
            window.values.extend(values)
            # Fewer where the script has made the slide smaller since: the key's next record fires.
            window.fresh = min(fresh, self._windows.slide - 1)

    def emit(self, key: Any, values: list[Any]) -> None:
        """Sends on what the function makes of a window's records."""
        raise NotImplementedError


class CountWindowReduceOperator(CountWindowOperator):
    stateless = WINDOWED_REDUCE

    def emit(self, key: Any, values: list[Any]) -> None:
        self.collector.collect(reduce(self.call, values))


class CountWindowApplyOperator(CountWindowOperator):
    def emit(self, key: Any, values: list[Any]) -> None:
        self.states.key = key
        self.call(key, GlobalWindow(), values, self.collector)
