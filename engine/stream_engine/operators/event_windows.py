"""Event-time windows: records go by their timestamps, and windows fire when the watermark has passed their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.operators.keys import MISSING, kept_key
from stream_engine.operators.operator import FunctionOperator
from stream_engine.operators.ownership import own
from stream_engine.operators.panes import Panes
from stream_engine.operators.windows import PaneOperator, WindowApplyOperator, WindowReduceOperator
from stream_engine.operators.writer import write_key

if TYPE_CHECKING:
    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.specs import TimeWindows, WindowApply, WindowReduce
    from stream_engine.operators.operator import Host
    from stream_engine.operators.panes import Contents
    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState
    from stream_engine.operators.writer import ChainWriter, Collector

LATE_RECORDS = "numLateRecordsDropped"


class LateCount:
    """The accumulator of records that came too late for all their windows."""

    def __init__(self) -> None:
        self.count = 0

    def getLocalValue(self) -> int:
        return self.count

    def merge(self, other: LateCount) -> None:
        self.count += other.count


class _EventTime(PaneOperator):
    """What both kinds share. A record behind the watermark takes the slow path; the others cost one comparison."""

    def __init__(
        self, identifier: int, name: str, spec: WindowReduce | WindowApply, key: UserFunction, windows: TimeWindows
    ) -> None:
        super().__init__(identifier, name, spec.function, key, windows)
        self.panes = Panes(windows, spec.lateness, self._new_contents, self.holds)
        self.watermark = -(2**63)
        self._lateness = spec.lateness
        self._late_output = spec.late_output
        self.passes = self._late_output is not None
        self._late: Collector | None = None
        self._dropped = LateCount()

    def write(self, chain: ChainWriter, record: str) -> None:
        code = chain.code
        self._collector = chain.collector(self.id, received=self.hands_out)
        if self._late_output is not None:
            self._late = chain.collector(self.id, late=self._late_output)
        key = write_key(chain, record, self._key_of)
        with code.block(f"if {chain.time} <= {code.bind('windows', self)}.watermark:", "time"):
            code.line(f"{code.bind('add_late', self._add_late)}({record}, {key}, {chain.time})", "function")
        with code.block("else:"):
            pane = code.fresh("pane")
            start = f"{chain.time} - {chain.time} % {self.panes.width}"
            code.line(f"{pane} = {code.bind('contents', self.panes.contents)}({start})")
            self.write_add(chain, pane, key, record)

    @property
    def late_records(self) -> int:
        return self._dropped.count

    def open(self, host: Host, parallelism: int) -> None:
        # At the end of the input they always fire: event time ends there, as in Flink.
        FunctionOperator.open(self, host, parallelism)
        self.accumulators.add(LATE_RECORDS, self._dropped)

    def on_watermark(self, time: int) -> None:
        # A restored one may know of a later time than others that begin anew.
        if time > self.watermark:
            self.watermark = time
            self.advance(time + 1)

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        snapshot = super().snapshot(checkpoint)
        snapshot.own["watermark"] = self.watermark
        return snapshot

    def restore(self, state: RestoredState) -> None:
        super().restore(state)
        self.watermark = min(state.each("watermark"), default=self.watermark)

    def _add_late(self, record: Any, key: Any, time: int) -> None:
        ends = self.panes.ends(time)
        # A record in a gap between windows is late by its own time, as in Flink.
        last = ends[-1] - 1 if ends else time
        if last + self._lateness <= self.watermark:
            if self._late is not None:
                self._late.time = time
                self._late.collect(record)
            else:
                self._dropped.count += 1
            return
        if not ends:
            return
        contents = self.panes.contents(self.panes.start(time))
        if contents.get(key, MISSING) is MISSING:
            key = kept_key(key)
        self.add(contents, key, own(record))
        for end in ends:
            # A window that has fired fires again; one beyond its lateness is closed; a later one includes the record.
            if end - 1 <= self.watermark < end - 1 + self._lateness:
                found = (each.get(key, MISSING) for each in self.panes.within(end))
                panes: list[Contents] = [{key: self._lent(each)} for each in found if each is not MISSING]
                self.emit_window(end - self.panes.size, end, self.merge(panes))

    def _lent(self, value: Any) -> Any:
        """What ``merge`` may be given of a pane, which is to stay as it is: it copies values of dicts itself."""
        return own(value) if self.tables.by_entry else value

    def add(self, contents: Contents, key: Any, record: Any) -> None:
        """Adds a record to the values of a pane."""
        raise NotImplementedError


class EventTimeReduceOperator(_EventTime, WindowReduceOperator):
    def add(self, contents: Contents, key: Any, record: Any) -> None:
        contents[key] = own(self.call(contents[key], record)) if key in contents else record


class EventTimeApplyOperator(_EventTime, WindowApplyOperator):
    def add(self, contents: Contents, key: Any, record: Any) -> None:
        if self.tables.by_entry:
            contents.append(key, record)
        else:
            contents.setdefault(key, []).append(record)
