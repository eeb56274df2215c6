"""A job on a cluster as the client's Java process has it, and the sinks that it reads there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pyflink.java_gateway import get_gateway  # pyright: ignore[reportMissingModuleSource]

from stream_engine.flink.client.early_reports import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long the client may wait for an answer of the sink that has the reports: Flink's own default.
_ANSWER_MS = 10_000
# When it asks again after there was nothing. Flink's 100 ms, which cannot be set, take a tenth of a processor here.
_REPORTS_MS = 300


class CollectSink(NamedTuple):
    """A sink whose elements the client asks for by its ``uid``; ``serializer`` is Java's, of those."""

    uid: str
    serializer: Any


class JavaJob:
    """A job that was submitted; ``id`` is Flink's. What it tells the client is read through the Java process."""

    def __init__(self, client: Any, reports: Any, early: CollectSink | None) -> None:
        """``reports`` are Java's iterator. Both may be None: of what the job does not tell."""
        self._client = client
        self._reports = reports
        self._early = early
        self.id = str(client.get_job_id())

    def reports(self) -> Iterator[bytes]:
        """Raises what PyFlink makes of the exception of a job that fails."""
        rows = self._reports
        while rows is not None and rows.hasNext():
            yield _element(rows.next())

    def early_reports(self, version: str, offset: int) -> Answer:
        """What comes beside the reports, before a checkpoint counts it: see Answer. Raises what PyFlink does."""
        assert self._early is not None
        # Flink's own iterator for that begins at 0 again when the job does, and a sink that resumes gives it nothing.
        request = get_gateway().jvm.org.apache.flink.streaming.api.operators.collect.CollectCoordinationRequest
        answers = self._client._j_job_client.sendCoordinationRequest(self._early.uid, request(version, offset))
        answer = answers.get()
        elements = [_element(row) for row in answer.getResults(self._early.serializer)]
        return Answer(str(answer.getVersion()), int(answer.getLastCheckpointedOffset()), elements)


def _element(row: Any) -> bytes:
    # PyFlink's own iterator would make a list of signed ints of the bytes.
    return bytes(row.getField(1))


def collect_sink(elements: Any, uid: str, name: str) -> CollectSink:
    """Adds a sink that keeps what comes until the client has it. ``uid`` is part of an address: no blank would do."""
    stream = elements._j_data_stream
    env = stream.getExecutionEnvironment()
    collect = get_gateway().jvm.org.apache.flink.streaming.api.operators.collect
    serializer = stream.getType().createSerializer(env.getConfig().getSerializerConfig())
    sink = collect.CollectStreamSink(stream, collect.CollectSinkOperatorFactory(serializer, uid))
    sink.name(name).uid(uid)
    env.addOperator(sink.getTransformation())
    return CollectSink(uid, serializer)


def collected(elements: Any, uid: str, name: str) -> Any:
    """What collectAsync() gives, but of a sink whose state no other job takes over: it is at odds with a new client.

    What comes waits for the checkpoint that counts it, if the job takes any.
    """
    sink = collect_sink(elements, uid, name)
    env = elements._j_data_stream.getExecutionEnvironment()
    iterator = get_gateway().jvm.org.apache.flink.streaming.api.operators.collect.CollectResultIterator(
        uid, sink.serializer, uid, env.getCheckpointConfig(), _ANSWER_MS
    )
    env.registerCollectIterator(iterator)
    fetcher = _field(iterator, "fetcher").get(iterator)
    _field(fetcher, "retryMillis").setInt(fetcher, _REPORTS_MS)
    return iterator


def _field(owner: Any, name: str) -> Any:
    """A private field of a Java object, to be read and set."""
    field = owner.getClass().getDeclaredField(name)
    field.setAccessible(True)
    return field
