"""Kafka topics as a source: what scripts know as FlinkKafkaConsumer, under all of its names."""

from __future__ import annotations

import re
from typing import Any

from stream_engine.api.analysis.signature import signature_of
from stream_engine.api.assigners import assigner_of
from stream_engine.api.capture.snapshot import refuse, snapshot
from stream_engine.api.functions import ConnectorSource
from stream_engine.api.kafka_schemas import KafkaDeserializationSchema, KeyedDeserializationSchema
from stream_engine.api.kafka_settings import checked_settings, properties_of
from stream_engine.api.serialization import DeserializationSchema, SimpleStringSchema
from stream_engine.configuration.kafka import DISCOVERY_INTERVAL, consumer_options
from stream_engine.graph.specs import KafkaSource, KafkaStart

_PARTS = ("messageKey", "message", "topic", "partition", "offset")


class FlinkKafkaConsumer(ConnectorSource):
    """Reads ``topics``: a name, several, or a compiled pattern that whole names match.

    ``schema`` is a DeserializationSchema, a KeyedDeserializationSchema, a KafkaDeserializationSchema, or a function of
    the bytes of a value. ``properties`` are those of Kafka's Java client, or of librdkafka; ``bootstrap.servers`` is
    needed. Raises InvalidProgramException, at the script's line, for what cannot work.
    """

    KEY_PARTITION_DISCOVERY_INTERVAL_MILLIS = DISCOVERY_INTERVAL

    def __init__(self, topics: Any, schema: Any, properties: Any) -> None:
        self._topics = _topics(topics)
        given = properties_of(properties)
        self._settings = checked_settings(given, "Consumer")
        try:
            self._options = consumer_options(given)
        except ValueError as error:
            refuse(f"{error}.")
        self._schema, self._takes = _schema(schema)
        self._charset = _charset(schema)
        self._ends = _knows_an_end(schema)
        self._start = KafkaStart()
        self._assigner = None
        self._commits = True

    def described(self) -> tuple[KafkaSource, str]:
        """What the plan has of it, as it is now."""
        topics = self._topics
        source = KafkaSource(
            topics,
            self._schema,
            self._takes,
            self._settings,
            self._options,
            self._start,
            self._charset,
            self._ends,
            self._assigner,
            self._commits,
        )
        return source, f"Source: {topics.pattern if isinstance(topics, re.Pattern) else ', '.join(topics)}"

    # --- where reading begins, where no checkpoint knows; each returns the consumer ---

    def set_start_from_group_offsets(self) -> FlinkKafkaConsumer:
        """After what the group has committed, else as ``auto.offset.reset`` says: the default."""
        return self._starting(KafkaStart())

    def set_start_from_earliest(self) -> FlinkKafkaConsumer:
        return self._starting(KafkaStart("earliest"))

    def set_start_from_latest(self) -> FlinkKafkaConsumer:
        return self._starting(KafkaStart("latest"))

    def set_start_from_timestamp(self, timestamp: int) -> FlinkKafkaConsumer:
        """With the first record of ``timestamp``, in ms since the epoch, or later."""
        if not isinstance(timestamp, int) or timestamp < 0:
            refuse(f"A time is an int of ms since the epoch, not {timestamp!r}.")
        return self._starting(KafkaStart("timestamp", timestamp))

    def set_start_from_specific_offsets(self, offsets: Any) -> FlinkKafkaConsumer:
        """``offsets`` has the offset to begin at by KafkaTopicPartition, or by pairs of topic and partition."""
        try:
            pairs = tuple(((str(topic), int(number)), int(offset)) for (topic, number), offset in dict(offsets).items())
        except (TypeError, ValueError):
            refuse(f"A dict is needed such as {{KafkaTopicPartition('topic', 0): 23}}, not {offsets!r}.")
        return self._starting(KafkaStart("offsets", offsets=pairs))

    # --- settings; each returns the consumer ---

    def assign_timestamps_and_watermarks(self, assigner: Any) -> FlinkKafkaConsumer:
        """As a stream's method, with an assigner for each partition: event time is that of the slowest of them."""
        self._assigner = assigner_of(assigner)
        return self

    def set_commit_offsets_on_checkpoints(self, commits: bool) -> FlinkKafkaConsumer:
        """Whether the group is told of the offsets that a complete checkpoint has; it is, by default."""
        self._commits = bool(commits)
        return self

    def _starting(self, start: KafkaStart) -> FlinkKafkaConsumer:
        self._start = start
        return self

    setStartFromGroupOffsets = set_start_from_group_offsets
    setStartFromEarliest = set_start_from_earliest
    setStartFromLatest = set_start_from_latest
    setStartFromTimestamp = set_start_from_timestamp
    setStartFromSpecificOffsets = set_start_from_specific_offsets
    assignTimestampsAndWatermarks = assign_timestamps_and_watermarks
    setCommitOffsetsOnCheckpoints = set_commit_offsets_on_checkpoints


def _topics(topics: Any) -> tuple[str, ...] | re.Pattern[str]:
    if isinstance(topics, re.Pattern):
        return topics
    names = (topics,) if isinstance(topics, str) else topics
    try:
        found = tuple(dict.fromkeys(names))
    except TypeError:
        found = ()
    if not found or not all(isinstance(name, str) and name for name in found):
        refuse(f"Topics are a name, a list of names, or a compiled pattern, not {topics!r}.")
    return found


def _schema(schema: Any) -> tuple[Any, str]:
    """A snapshot of the schema, and what of a Kafka record it takes."""
    method = getattr(schema, "deserialize", schema)
    signature = signature_of(method) if callable(method) else None
    if isinstance(schema, KafkaDeserializationSchema):
        return snapshot(schema, "deserialize", KafkaDeserializationSchema, ("record",)), "record"
    keyed = isinstance(schema, KeyedDeserializationSchema)
    if keyed or (signature is not None and signature.takes(len(_PARTS)) and not signature.takes(1)):
        return snapshot(schema, "deserialize", KeyedDeserializationSchema, _PARTS), "parts"
    return snapshot(schema, "deserialize", DeserializationSchema, ("message",)), "value"


def _charset(schema: Any) -> str | None:
    """That of values which are plain text, so that nobody needs to call the schema for each of them."""
    if not isinstance(schema, SimpleStringSchema) or "deserialize" in getattr(schema, "__dict__", ()):
        return None
    plain = type(schema).deserialize is SimpleStringSchema.deserialize
    return getattr(schema, "charset", None) if plain else None


def _knows_an_end(schema: Any) -> bool:
    """Whether the schema is to be asked for the end of the stream: those of the engine's own know none."""
    method = getattr(schema, "isEndOfStream", None) or getattr(schema, "is_end_of_stream", None)
    return callable(method) and type(schema) is not SimpleStringSchema
