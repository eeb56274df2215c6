"""A job on a cluster as the client's Java process has it, and the sinks that it reads there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyflink.java_gateway import get_gateway  # pyright: ignore[reportMissingModuleSource]

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long the client may wait for an answer of the sink that has the reports: Flink's own default.
_ANSWER_MS = 10_000
# When it asks again after there was nothing: for reports, and early ones. Flink's 100 ms, which cannot be set, take a
# tenth of a processor here.
_REPORTS_MS, _EARLY_MS = 300, 1000


class JavaJob:
    """A job that was submitted; ``id`` is Flink's. What it tells the client is read through the Java process."""

    def __init__(self, client: Any, reports: Any, early: Any) -> None:
        """Java's iterators, or None for what it does not tell."""
        self._client = client
        self._reports = reports
        self._early = early
        self.id = str(client.get_job_id())

    def reports(self) -> Iterator[bytes]:
        """Raises what PyFlink makes of the exception of a job that fails."""
        return _elements(self._reports)

    def early_reports(self) -> Iterator[bytes]:
        """What comes beside the reports, before a checkpoint counts it; some may come more than once."""
        return _elements(self._early)


def _elements(rows: Any) -> Iterator[bytes]:
    while rows is not None and rows.hasNext():
        # PyFlink's own iterator would make a list of signed ints of the bytes.
        yield bytes(rows.next().getField(1))


def collected(elements: Any, uid: str, waits: bool = True) -> Any:
    """What collectAsync() gives, but of a sink whose state no other job takes over: it is at odds with a new client.

    ``uid`` is part of an address, where a blank would not do. What comes ``waits`` for the checkpoint that counts it
    or comes at once, and some of it again after a restart.
    """
    jvm = get_gateway().jvm
    stream = elements._j_data_stream
    env = stream.getExecutionEnvironment()
    collect = jvm.org.apache.flink.streaming.api.operators.collect
    serializer = stream.getType().createSerializer(env.getConfig().getSerializerConfig())
    sink = collect.CollectStreamSink(stream, collect.CollectSinkOperatorFactory(serializer, uid))
    sink.name("Reports to the client" if waits else "Early reports to the client").uid(uid)
    checkpoints = env.getCheckpointConfig()
    if not waits:
        checkpoints = jvm.org.apache.flink.streaming.api.environment.CheckpointConfig(checkpoints)
        checkpoints.setCheckpointingConsistencyMode(jvm.org.apache.flink.core.execution.CheckpointingMode.AT_LEAST_ONCE)
    iterator = collect.CollectResultIterator(uid, serializer, uid, checkpoints, _ANSWER_MS)
    env.addOperator(sink.getTransformation())
    env.registerCollectIterator(iterator)
    fetcher = _field(iterator, "fetcher").get(iterator)
    _field(fetcher, "retryMillis").setInt(fetcher, _REPORTS_MS if waits else _EARLY_MS)
    return iterator


def _field(owner: Any, name: str) -> Any:
    """A private field of a Java object, to be read and set."""
    field = owner.getClass().getDeclaredField(name)
    field.setAccessible(True)
    return field
