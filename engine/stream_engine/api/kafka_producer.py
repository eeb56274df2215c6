"""Kafka topics as a sink: what scripts know as FlinkKafkaProducer, under all of its names."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from stream_engine.api.analysis.signature import signature_of
from stream_engine.api.capture.snapshot import refuse, snapshot
from stream_engine.api.functions import ConnectorSink
from stream_engine.api.kafka_schemas import (
    FlinkKafkaPartitioner,
    KafkaSerializationSchema,
    KeyedSerializationSchema,
)
from stream_engine.api.kafka_settings import checked_settings, properties_of
from stream_engine.api.serialization import SerializationSchema
from stream_engine.graph.specs import KafkaSink

_PARTITION = ("record", "key", "value", "targetTopic", "partitions")
_TIMEOUT = 120_000
# What a script that gives no partitioner says nothing about.
_FIXED = object()


class Semantic(Enum):
    """How often a record is in the topic after a failure; EXACTLY_ONCE and AT_LEAST_ONCE need checkpoints."""

    EXACTLY_ONCE = "exactly-once"
    AT_LEAST_ONCE = "at-least-once"
    NONE = "none"


class FlinkKafkaProducer(ConnectorSink):
    """Writes into ``topic``: ``FlinkKafkaProducer(topic, schema, properties)``, or ``(brokers, topic, schema)``.

    ``schema`` is a SerializationSchema, a KeyedSerializationSchema, a KafkaSerializationSchema, or a function that
    returns the bytes of a value. Behind the properties there may be a partitioner and a Semantic, in any order; the
    partitioner is by default a FlinkFixedPartitioner, and None leaves it to the key. Raises InvalidProgramException, at
    the script's line, for what cannot work.
    """

    Semantic = Semantic

    def __init__(
        self,
        topic: str,
        schema: Any,
        properties: Any,
        *others: Any,
        partitioner: Any = _FIXED,
        semantic: Semantic = Semantic.AT_LEAST_ONCE,
    ) -> None:
        if isinstance(schema, str):
            topic, schema, properties = schema, properties, {"bootstrap.servers": topic}
        if not isinstance(topic, str) or not topic:
            refuse(f"The topic is a str that is not empty, not {topic!r}.")
        for other in others:
            if isinstance(other, Semantic):
                semantic = other
            elif isinstance(other, int):
                # The size of Flink's pool of producers: here there is one for each subtask.
                continue
            else:
                partitioner = other
        if not isinstance(semantic, Semantic):
            refuse(f"A Semantic is needed, such as FlinkKafkaProducer.Semantic.EXACTLY_ONCE, not {semantic!r}.")
        if not isinstance(properties, Mapping):
            refuse(f"A dict or a java.util.Properties is needed, not {properties!r}.")
        given = properties_of(properties)
        own_id = given.pop("transactional.id", None)
        settings = checked_settings(given, "Producer")
        taken, gives = _schema(schema)
        timeout = settings.get("delivery.timeout.ms") or settings.get("message.timeout.ms") or _TIMEOUT
        self._sink = KafkaSink(
            topic,
            taken,
            gives,
            settings,
            None if partitioner in (None, _FIXED) else _partitioner(partitioner),
            partitioner is None,
            semantic.value,
            int(timeout),
            transactional_id=None if own_id is None else str(own_id),
        )

    def described(self) -> tuple[KafkaSink, str]:
        """What the plan has of it, as it is now."""
        return self._sink, f"Sink: {self._sink.topic}"

    # --- settings; each returns the producer ---

    def set_write_timestamp_to_kafka(self, writes: bool) -> FlinkKafkaProducer:
        """Whether records are written with their event time; without, Kafka gives them that of their coming."""
        self._sink = self._sink._replace(stamped=bool(writes))
        return self

    def set_log_failures_only(self, lenient: bool) -> FlinkKafkaProducer:
        """Whether the job goes on when Kafka does not take a record; by default it fails."""
        self._sink = self._sink._replace(lenient=bool(lenient))
        return self

    def set_flush_on_checkpoint(self, flush: bool) -> FlinkKafkaProducer:
        """Whether a checkpoint waits until Kafka has confirmed all records; by default it does."""
        if self._sink.guarantee != Semantic.EXACTLY_ONCE.value:
            self._sink = self._sink._replace(guarantee=(Semantic.AT_LEAST_ONCE if flush else Semantic.NONE).value)
        return self

    def set_transactional_id_prefix(self, prefix: str) -> FlinkKafkaProducer:
        """What transactional ids begin with, in place of the names of topic and operator: no two jobs may have it."""
        if not isinstance(prefix, str) or not prefix:
            refuse(f"A prefix is a str that is not empty, not {prefix!r}.")
        self._sink = self._sink._replace(transactional_id=prefix)
        return self

    def ignore_failures_after_transaction_timeout(self) -> FlinkKafkaProducer:
        """For scripts that call it: here no transaction waits for anything, so none times out."""
        return self

    setWriteTimestampToKafka = set_write_timestamp_to_kafka
    setLogFailuresOnly = set_log_failures_only
    setFlushOnCheckpoint = set_flush_on_checkpoint
    setTransactionalIdPrefix = set_transactional_id_prefix
    ignoreFailuresAfterTransactionTimeout = ignore_failures_after_transaction_timeout


def _schema(schema: Any) -> tuple[Any, str]:
    """A snapshot of the schema, and what it gives."""
    if isinstance(schema, KeyedSerializationSchema) or hasattr(schema, "serializeValue"):
        snapshot(schema, "serializeKey", KeyedSerializationSchema, ("value",))
        return snapshot(schema, "serializeValue", KeyedSerializationSchema, ("value",)), "parts"
    method = getattr(schema, "serialize", schema)
    signature = signature_of(method) if callable(method) else None
    whole = isinstance(schema, KafkaSerializationSchema)
    if whole or (signature is not None and signature.takes(2) and not signature.takes(1)):
        return snapshot(schema, "serialize", KafkaSerializationSchema, ("value", "timestamp")), "record"
    return snapshot(schema, "serialize", SerializationSchema, ("value",)), "value"


def _partitioner(partitioner: Any) -> Any:
    return snapshot(partitioner, "partition", FlinkKafkaPartitioner, _PARTITION)
