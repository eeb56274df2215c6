"""A sink that brings the records of a stream to the process that runs a job, in the job's result.

Workers load this module with the sink: it stays light.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from stream_engine.accumulators import Accumulator
from stream_engine.api.functions import RichSinkFunction
from stream_engine.pickling import dumps

if TYPE_CHECKING:
    from stream_engine.job import JobExecutionResult

_PREFIX = "pyflink_stream.collecting: "


class UnavailableRecord(Exception):
    """A record cannot leave its worker, as it cannot be pickled."""


class _Collected(Accumulator):
    """Records as pickles; in place of one that cannot be pickled, the reason."""

    def __init__(self) -> None:
        self._records: list[bytes | str] = []

    def add(self, value: Any) -> None:
        try:
            self._records.append(dumps(value))
        except Exception as error:
            self._records.append(f"{value!r} cannot be brought here, as it cannot be pickled: {error}")

    def merge(self, other: _Collected) -> None:
        self._records += other._records

    def get_local_value(self) -> list[bytes | str]:
        return self._records


class CollectingSink(RichSinkFunction):
    """Keeps the records of its stream under ``name``, as they are when they arrive."""

    def __init__(self, name: str) -> None:
        self._name = name

    def open(self, config: Any) -> None:
        self._collected = _Collected()
        self.get_runtime_context().add_accumulator(_PREFIX + self._name, self._collected)

    def invoke(self, value: Any) -> None:
        self._collected.add(value)


class Records:
    """The records that one sink has collected."""

    def __init__(self) -> None:
        self._records: list[Any] = []
        self._unavailable: str | None = None

    def extend(self, collected: list[bytes | str]) -> None:
        """Adds what a sink has kept. The modules of the records' classes must be importable now."""
        for record in collected:
            if isinstance(record, str):
                self._unavailable = self._unavailable or record
            else:
                self._records.append(pickle.loads(record))

    def get(self) -> list[Any]:
        """Raises UnavailableRecord when one could not be pickled."""
        if self._unavailable is not None:
            raise UnavailableRecord(self._unavailable)
        return list(self._records)


def take_collected(result: JobExecutionResult) -> dict[str, list[bytes | str]]:
    """Takes what the sinks of a job have collected, by their names, out of the result."""
    names = [name for name in result.accumulators if name.startswith(_PREFIX)]
    return {name.removeprefix(_PREFIX): result.accumulators.pop(name) for name in names}
