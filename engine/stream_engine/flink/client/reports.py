"""What the subtasks of a job on Flink tell the client: lines, accumulators, late records, and that they finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.flink.elements import Drive, ElementReader
from stream_engine.flink.unfinished import Unfinished
from stream_engine.job import JobExecutionException
from stream_engine.local.accumulators import results
from stream_engine.local.late_records import LateRecords
from stream_engine.local.output import Output, tell, write_error
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.local.null_monitor import NullMonitor


class Reports:
    """Writes what the job says, and knows which of its subtasks have finished."""

    def __init__(self, plan: JobGraph, configuration: Configuration, monitor: NullMonitor) -> None:
        self._monitor = monitor
        self._output = Output()
        self._reader = ElementReader()
        self._late = LateRecords(plan, configuration)
        # How many bytes of lines each subtask has told, and how many it tells again.
        self._told: dict[tuple[int, int], int] = {}
        self._again: dict[tuple[int, int], int] = {}
        self._packed: dict[tuple[int, int], bytes] = {}
        self._unfinished = Unfinished(plan)

    @property
    def complete(self) -> bool:
        """Whether all subtasks have finished."""
        return not self._unfinished

    def take(self, element: bytes) -> int | None:
        """Takes an element of the reports; gives the signal that a program is ended by whose output nobody reads."""
        lost = None
        for kind, place, sender, payload in self._reader.read(element):
            if kind in (Kind.CONSOLE, Kind.ERRORS):
                lines = self._fresh((place, sender), payload)
                if kind == Kind.ERRORS:
                    write_error(lines)
                else:
                    lost = self._output.write(lines) or lost
            elif kind == Drive.AGAIN:
                self._begin_again((place, sender), int(payload))
            elif kind == Kind.STATUS:
                self._monitor.on_report(payload)
            elif kind == Kind.LATE:
                self._late.on_report(sender, place, int(payload))
            elif kind == Kind.FINISHED:
                self._packed[place, sender] = payload
                self._unfinished.finish(place, sender)
        self._late.tick()
        return lost

    def show(self, statuses: dict[tuple[int, int], bytes]) -> None:
        """What subtasks have told of themselves beside their reports, which have the last of each."""
        for place, status in statuses.items():
            if place in self._unfinished:
                self._monitor.on_report(status)

    def _fresh(self, subtask: tuple[int, int], lines: bytes) -> bytes:
        """Those of the lines that have not been told yet."""
        again = min(self._again.get(subtask, 0), len(lines))
        if again:
            self._again[subtask] -= again
            lines = lines[again:]
        self._told[subtask] = self._told.get(subtask, 0) + len(lines)
        return lines

    def _begin_again(self, subtask: tuple[int, int], before: int) -> None:
        """A subtask that has failed tells its last lines, of which some may have come."""
        told = self._told.get(subtask, 0)
        self._again[subtask] = max(0, told - before)
        if told < before:
            tell(f"{before - told:,} bytes of what was written right before the failure are lost.")

    def interrupt(self) -> None:
        """Called by a signal handler: see Output.interrupt."""
        self._output.interrupt()

    def close(self) -> None:
        """The job has ended, in whatever way."""
        self._late.close()

    def accumulators(self, job_id: str) -> dict[str, Any]:
        """Their final values. Raises JobExecutionException for a job that ended before all of its subtasks did."""
        if self._unfinished:
            raise JobExecutionException(str(self._unfinished), job_id)
        return results(self._packed.values(), job_id)
