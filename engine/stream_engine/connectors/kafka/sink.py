"""Writes records to Kafka as they come."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from stream_engine.connectors.kafka.client import KafkaFailure, brokers, log, producer, reason
from stream_engine.connectors.kafka.encoding import Encoder

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

    from stream_engine.graph.specs import KafkaSink

# So many records may be on their way before their fate is looked at, in a producer that is busy.
_LOOK = 1000
# How long a job that ends before its time waits for what is on its way, in seconds.
_LAST = 0.5


def producer_settings(sink: KafkaSink, **settings: Any) -> dict[str, Any]:
    """What all producers of a sink are told; the script's own settings go before what is merely better so."""
    return {
        "enable.idempotence": True,
        # As Java's, so that records of one key come into the same partition whoever writes them.
        "partitioner": "murmur2_random",
        "delivery.timeout.ms": sink.timeout,
        **sink.settings,
        **settings,
    }


class KafkaWriter:
    """The function of a sink that writes at least once: what a checkpoint counts has been confirmed by Kafka.

    Where the sink guarantees nothing, nobody waits for that. ``flush`` and all others raise a KafkaFailure for what
    Kafka did not take, unless the sink is lenient.
    """

    def __init__(self, sink: KafkaSink, index: int, width: int) -> None:
        self._sink = sink
        self._failure: KafkaFailure | None = None
        self._sent = 0
        self._producer: Producer = producer(
            producer_settings(sink, **{"delivery.report.only.error": True, "on_delivery": self._on_delivery})
        )
        self._encoder = Encoder(sink, lambda: self._producer, index, width)

    def invoke(self, record: Any, context: Any = None) -> None:
        made = self._encoder.encode(record, None if context is None else context.timestamp())
        topic, value, key, partition, timestamp, headers = made
        while True:
            try:
                self._producer.produce(topic, value, key, partition, timestamp=timestamp, headers=headers)
                break
            except BufferError:
                # As much is on its way as may be.
                self._look(0.1)
        self._sent += 1
        if self._sent % _LOOK == 0:
            self._look(0)

    def flush(self) -> None:
        """Learns what has become of records so far, without waiting."""
        self._look(0)

    def snapshot_state(self) -> list[Any]:
        """Nothing: all is with Kafka, where the checkpoint may count it."""
        if self._sink.guarantee != "none":
            self.finish()
        return []

    def restore_state(self, state: list[Any]) -> None:
        """What an earlier run has written is written."""

    def finish(self) -> None:
        """Returns when Kafka has confirmed all records."""
        # What takes longer than its time is reported as not delivered.
        deadline = monotonic() + self._sink.timeout / 1000 + _LAST
        while self._producer.flush(0.5):
            self._check()
            if monotonic() >= deadline:
                raise KafkaFailure(
                    f"Kafka at {brokers(self._sink.settings)} does not confirm {len(self._producer)} records"
                )
        self._check()

    def close(self) -> None:
        """The job has finished, or has no use for the rest."""
        self._producer.flush(_LAST)

    def _look(self, seconds: float) -> None:
        self._producer.poll(seconds)
        self._check()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            return
        text = f"Kafka at {brokers(self._sink.settings)} did not take a record for {message.topic()}: {reason(error)}"
        if self._sink.lenient:
            log.warning("%s", text)
        elif self._failure is None:
            self._failure = KafkaFailure(text)
