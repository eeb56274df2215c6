"""Gives records their event time, and makes watermarks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.configuration.options import IDLE_TIMEOUT, WATERMARK_INTERVAL
from stream_engine.operators.function_state import FunctionState
from stream_engine.operators.operator import FunctionOperator

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction
    from stream_engine.operators.operator import Host
    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState
    from stream_engine.operators.watermarks import Watermarks
    from stream_engine.operators.writer import ChainWriter


class AssignTimestampsOperator(FunctionOperator):
    """Asks the assigner for each record's time, and for watermarks: after each record, and from time to time.

    An instance that gets no records for a while is idle: it no longer holds back the time of what comes after it.
    Watermarks from upstream end here, except the last one.

    If time is held, each input gets a new assigner, as the old one has seen times that the next input may be behind.
    """

    makes_time = True
    one_for_one = True
    passes = True
    _last: int | None = None

    def __init__(self, identifier: int, name: str, function: UserFunction, key: UserFunction | None = None) -> None:
        super().__init__(identifier, name, function, key)
        # A new function may replace the one that has seen the records.
        self.exposes = True
        self._spec = function
        self._held = self._waited_for = False
        # The names in the generated code of two methods of the assigner.
        self._namespace: dict[str, Any] = {}
        self._extracts: list[str] = []
        self._checks: list[str] = []

    def write(self, chain: ChainWriter, record: str) -> None:
        code = chain.code
        self._watermarks: Watermarks = chain.watermarks
        extract = code.bind("extract", self.function.extractTimestamp)
        check = code.bind("check", self.function.checkAndGetNextWatermark)
        self._namespace = code.namespace
        self._extracts.append(extract)
        self._checks.append(check)
        time, watermark = code.fresh("time"), code.fresh("watermark")
        code.line(f"{time} = {extract}({record}, {chain.time})", "function")
        # Asked before the record moves on, as operators downstream may change it.
        code.line(f"{watermark} = {check}({record}, {time})", "function")
        with chain.at(time):
            chain.forward(self.id, record)
        code.line(f"{code.bind('operator', self)}.records += 1")
        with code.block(f"if {watermark} is not None:"):
            code.line(f"{code.bind('advance', self._advance)}({watermark})")

    def open(self, host: Host, parallelism: int) -> None:
        super().open(host, parallelism)
        self._host = host
        self.records = self._seen = 0
        self._interval: int = host.configuration.get(WATERMARK_INTERVAL)
        self._patience: int = host.configuration.get(IDLE_TIMEOUT)
        self._busy_at = host.now()
        self._idle = False
        if self._interval > 0:
            host.schedule(host.now() + self._interval, self._tick)

    def hold_time(self, held: bool, waited_for: bool) -> None:
        self._held, self._waited_for = held, waited_for
        self.function = self._spec.load()
        self.function_state = FunctionState(self.function)
        self._namespace.update(dict.fromkeys(self._extracts, self.function.extractTimestamp))
        self._namespace.update(dict.fromkeys(self._checks, self.function.checkAndGetNextWatermark))

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        snapshot = super().snapshot(checkpoint)
        if self._last is not None:
            snapshot.own["watermark"] = self._last
        return snapshot

    def restore(self, state: RestoredState) -> None:
        super().restore(state)
        # Older checkpoints have it in ``split``.
        self._last = min([*state.each("watermark"), *state.elements("watermark")], default=None)

    def _tick(self) -> None:
        now = self._host.now()
        if self.records != self._seen:
            self._seen, self._busy_at, self._idle = self.records, now, False
        elif not self._idle and not self._waited_for and now - self._busy_at >= self._patience > 0:
            self._idle = True
            self._watermarks.idle(self.id)
        if not self._idle:
            self._advance(self.function.getCurrentWatermark())
        self._host.schedule(now + self._interval, self._tick)

    def _advance(self, time: int | None) -> None:
        if time is not None and not self._held and (self._last is None or time > self._last):
            self._last = time
            self._watermarks.leave(self.id, time)
