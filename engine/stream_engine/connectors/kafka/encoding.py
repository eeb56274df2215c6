"""What is written to Kafka for a record."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from stream_engine.connectors.kafka.client import KafkaFailure, brokers, reason
from stream_engine.report import shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka import Producer

    from stream_engine.graph.specs import KafkaSink

# In seconds: how long one request may take.
_REQUEST = 5.0


class Outgoing(NamedTuple):
    """A message: ``partition`` is -1 where its key decides, ``timestamp`` (ms) is 0 where it is that of its sending."""

    topic: str
    value: bytes | str | None
    key: bytes | str | None = None
    partition: int = -1
    timestamp: int = 0
    headers: list[tuple[str, Any]] | None = None


class Encoder:
    """Makes messages of the records of subtask ``index`` of ``width``, as the schema and the partitioner say.

    What these raise passes through. Raises TypeError for what they return and nobody can send, KafkaFailure where
    the present ``producer`` cannot tell the partitions of a topic.
    """

    def __init__(self, sink: KafkaSink, producer: Callable[[], Producer], index: int, width: int) -> None:
        self._sink = sink
        self._producer = producer
        self._index = index
        self._partitions: dict[str, list[int]] = {}
        schema = sink.schema.load()
        method = sink.schema.method
        self._serialize: Callable[..., Any] = getattr(schema, method) if method else schema
        self._key_of: Callable[[Any], Any] | None = getattr(schema, "serializeKey", None)
        self._topic_of: Callable[[Any], Any] | None = getattr(schema, "getTargetTopic", None)
        self._choose: Callable[..., Any] | None = None
        if sink.partitioner is not None:
            partitioner = sink.partitioner.load()
            self._choose = getattr(partitioner, sink.partitioner.method) if sink.partitioner.method else partitioner
            if hasattr(partitioner, "open"):
                partitioner.open(index, width)
        self.encode: Callable[[Any, int | None], Outgoing] = {
            "value": self._of_value,
            "parts": self._of_parts,
            "record": self._of_record,
        }[sink.gives]
        self._fixed = not sink.by_key and self._choose is None

    def _of_value(self, record: Any, time: int | None) -> Outgoing:
        topic, value = self._sink.topic, self._sendable(self._serialize(record))
        return Outgoing(topic, value, None, self._partition(record, None, value, topic), self._stamp(time))

    def _of_parts(self, record: Any, time: int | None) -> Outgoing:
        topic = self._topic_of(record) if self._topic_of is not None else None
        topic = self._sink.topic if topic is None else topic
        key = self._sendable(self._key_of(record)) if self._key_of is not None else None
        value = self._sendable(self._serialize(record))
        return Outgoing(topic, value, key, self._partition(record, key, value, topic), self._stamp(time))

    def _of_record(self, record: Any, time: int | None) -> Outgoing:
        made = self._serialize(record, time)
        try:
            topic, partition, stamp = made.topic(), made.partition(), made.timestamp()
            key, value, headers = made.key(), made.value(), made.headers()
        except (AttributeError, TypeError):
            raise TypeError(
                f"{self._sink.schema.label} has returned {shortened(made)}, of type {type(made).__name__}: "
                "a ProducerRecord is needed"
            ) from None
        return Outgoing(
            topic,
            self._sendable(value),
            self._sendable(key),
            -1 if partition is None else partition,
            self._stamp(time) if stamp is None else stamp,
            list(headers) or None,
        )

    def _stamp(self, time: int | None) -> int:
        return time if time is not None and self._sink.stamped else 0

    def _sendable(self, data: Any) -> bytes | str | None:
        if data is None or data.__class__ is bytes or data.__class__ is str:
            return data
        try:
            return memoryview(data).tobytes()
        except TypeError:
            raise TypeError(
                f"{self._sink.schema.label} has returned {shortened(data)}, of type {type(data).__name__}: a schema "
                "for Kafka returns bytes, a str, or None"
            ) from None

    # --- partitions --------------------------------------------------------------------------------------------------

    def _partition(self, record: Any, key: Any, value: Any, topic: str) -> int:
        if self._fixed:
            partitions = self._partitions.get(topic) or self._asked(topic)
            return partitions[self._index % len(partitions)]
        if self._choose is None:
            return -1
        partitions = self._partitions.get(topic) or self._asked(topic)
        chosen = self._choose(record, key, value, topic, list(partitions))
        if chosen not in partitions:
            raise ValueError(f"the partitioner has chosen {shortened(chosen)} of {topic}, which has {partitions}")
        return chosen

    def _asked(self, topic: str) -> list[int]:
        from confluent_kafka import KafkaException

        deadline = monotonic() + self._sink.timeout / 1000
        while True:
            try:
                found = self._producer().list_topics(topic, _REQUEST).topics[topic]
                why = "" if found.error is None else reason(found.error)
                if found.partitions and not why:
                    self._partitions[topic] = sorted(found.partitions)
                    return self._partitions[topic]
            except KafkaException as error:
                why = reason(error)
            if monotonic() >= deadline:
                raise KafkaFailure(f"Kafka at {brokers(self._sink.settings)}, topic {topic}: {why}")
            # Waits, and learns of what goes wrong meanwhile.
            self._producer().poll(0.1)
