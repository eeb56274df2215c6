"""Schemas that see more of a Kafka record than the bytes of its value."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from stream_engine.api.serialization import DeserializationSchema, SerializationSchema


class KeyedDeserializationSchema:
    """``deserialize(key, message, topic, partition, offset)`` returns the record of a Kafka record.

    ``key`` and ``message`` are bytes or None. For None as a result, there is no record. If it has
    ``isEndOfStream(record)``, the source ends with the record for which that is true.
    """


class KafkaDeserializationSchema:
    """``deserialize(record)`` returns the record of a ConsumerRecord, or None; else as KeyedDeserializationSchema.

    A ConsumerRecord has ``key()``, ``value()``, ``topic()``, ``partition()``, ``offset()``, ``timestamp()`` (ms) and
    ``headers()``, a list of names and values.
    """


class KeyedSerializationSchema:
    """``serializeKey(record)`` and ``serializeValue(record)`` return bytes, a str (sent as utf-8) or None.

    ``getTargetTopic(record)`` may name the topic; without it, or where it returns None, it is the producer's.
    """


class KafkaSerializationSchema:
    """``serialize(record, timestamp)`` returns a ProducerRecord; ``timestamp`` is the event time in ms, or None."""


class ProducerRecord:
    """What is written to Kafka: ``ProducerRecord(topic, value)``, ``(topic, key, value)``, ``(topic, partition, key,
    value)``, ``(topic, partition, timestamp, key, value)``, the last with ``headers`` as well.

    ``headers`` are pairs of a name and bytes. ``timestamp`` is in ms since the epoch.
    """

    def __init__(self, topic: str, *parts: Any, **named: Any) -> None:
        names = {
            1: ("value",),
            2: ("key", "value"),
            3: ("partition", "key", "value"),
            4: ("partition", "timestamp", "key", "value"),
            5: ("partition", "timestamp", "key", "value", "headers"),
        }
        known = {"partition", "timestamp", "key", "value", "headers"}
        if (parts and len(parts) not in names) or not named.keys() <= known:
            raise TypeError("a ProducerRecord has a topic, and perhaps partition, timestamp, key, value, headers")
        given = {**dict(zip(names.get(len(parts), ()), parts, strict=True)), **named}
        self._topic = topic
        self._partition: int | None = given.get("partition")
        self._timestamp: int | None = given.get("timestamp")
        self._key: Any = given.get("key")
        self._value: Any = given.get("value")
        self._headers: list[tuple[str, Any]] = list(given.get("headers") or ())

    def topic(self) -> str:
        return self._topic

    def partition(self) -> int | None:
        return self._partition

    def timestamp(self) -> int | None:
        return self._timestamp

    def key(self) -> Any:
        return self._key

    def value(self) -> Any:
        return self._value

    def headers(self) -> list[tuple[str, Any]]:
        return self._headers


class JSONDeserializationSchema(DeserializationSchema):
    """Values that are JSON texts, as dicts, lists, strs, numbers, bools and None."""

    def deserialize(self, message: bytes | None) -> Any:
        return None if message is None else json.loads(message)


class JSONSerializationSchema(SerializationSchema):
    """Records as JSON texts in utf-8."""

    def serialize(self, value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class JSONKeyValueDeserializationSchema(KeyedDeserializationSchema):
    """JSON texts as ``{"key": ..., "value": ...}``, and ``"metadata"`` (topic, partition, offset) if that is wanted."""

    def __init__(self, include_metadata: bool = False) -> None:
        self._include_metadata = include_metadata

    def deserialize(
        self, key: bytes | None, message: bytes | None, topic: str, partition: int, offset: int
    ) -> dict[str, Any]:
        record: dict[str, Any] = {}
        # As in Flink, what is not there has no entry.
        if key is not None:
            record["key"] = json.loads(key)
        if message is not None:
            record["value"] = json.loads(message)
        if self._include_metadata:
            record["metadata"] = {"topic": topic, "partition": partition, "offset": offset}
        return record


class KeyedDeserializationSchemaWrapper(KeyedDeserializationSchema):
    """Makes a schema of values one that is also given the rest, and leaves that out."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema

    def deserialize(self, key: bytes | None, message: bytes | None, topic: str, partition: int, offset: int) -> Any:
        return self._schema.deserialize(message)

    def is_end_of_stream(self, value: Any) -> bool:
        asked = getattr(self._schema, "isEndOfStream", None) or getattr(self._schema, "is_end_of_stream", None)
        return bool(asked and asked(value))

    isEndOfStream = is_end_of_stream


class KeyedSerializationSchemaWrapper(KeyedSerializationSchema):
    """Makes a schema of values one whose records have no key."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema

    def serializeKey(self, value: Any) -> None:
        return None

    def serializeValue(self, value: Any) -> Any:
        return self._schema.serialize(value)


class FlinkKafkaPartitioner:
    """``partition(record, key, value, targetTopic, partitions)`` returns one of ``partitions``, a list of numbers.

    ``open(parallelInstanceId, parallelInstances)``, if there is one, is called once in each subtask.
    """

    opened = True


class FlinkFixedPartitioner(FlinkKafkaPartitioner):
    """All records of a subtask into one partition: that of its index, or of the remainder where there are fewer."""

    def open(self, instance: int, instances: int) -> None:
        self._instance = instance

    def partition(self, record: Any, key: Any, value: Any, topic: str, partitions: list[int]) -> int:
        return partitions[self._instance % len(partitions)]


class KafkaTopicPartition(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int

    def get_topic(self) -> str:
        return self.topic

    def get_partition(self) -> int:
        return self.partition

    getTopic = get_topic
    getPartition = get_partition
