from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest

from java.util import Properties
from org.apache.flink.api.common import InvalidProgramException
from org.apache.flink.api.common.serialization import SimpleStringSchema
from org.apache.flink.streaming.connectors.kafka import (
    FlinkKafkaConsumer,
    FlinkKafkaProducer,
    FlinkKafkaProducer010,
    KafkaDeserializationSchema,
)
from org.apache.flink.streaming.connectors.kafka.internals import KafkaTopicPartition
from org.apache.flink.streaming.connectors.kafka.partitioner import FlinkFixedPartitioner
from org.apache.flink.streaming.util.serialization import JSONDeserializationSchema, KeyedSerializationSchema
from org.apache.kafka.clients.producer import ProducerRecord

if TYPE_CHECKING:
    from stream_engine.graph.specs import KafkaSink, KafkaSource

BROKERS = {"bootstrap.servers": "127.0.0.1:9092"}


def source(consumer: FlinkKafkaConsumer) -> KafkaSource:
    return consumer.described()[0]


def sink(producer: FlinkKafkaProducer) -> KafkaSink:
    return producer.described()[0]


@pytest.mark.parametrize(
    ("topics", "known"), [("a", ("a",)), (["a", "b", "a"], ("a", "b")), (re.compile("a.*"), re.compile("a.*"))]
)
def test_topics_are_a_name_a_list_or_a_pattern(topics: Any, known: Any) -> None:
    assert source(FlinkKafkaConsumer(topics, SimpleStringSchema(), BROKERS)).topics == known


def test_properties_may_be_javas() -> None:
    properties = Properties()
    properties.setProperty("bootstrap.servers", "127.0.0.1:9092")
    properties.setProperty("group.id", "g")
    properties.setProperty(FlinkKafkaConsumer.KEY_PARTITION_DISCOVERY_INTERVAL_MILLIS, "250")
    made = source(FlinkKafkaConsumer("a", SimpleStringSchema(), properties))
    assert (made.options.group, made.options.discovery) == ("g", 250)
    assert made.settings["bootstrap.servers"] == "127.0.0.1:9092"


@pytest.mark.parametrize(
    ("call", "start"),
    [
        (lambda consumer: consumer, ("group", 0, ())),
        (lambda consumer: consumer.setStartFromEarliest(), ("earliest", 0, ())),
        (lambda consumer: consumer.set_start_from_latest(), ("latest", 0, ())),
        (lambda consumer: consumer.setStartFromTimestamp(5), ("timestamp", 5, ())),
        (
            lambda consumer: consumer.setStartFromSpecificOffsets({KafkaTopicPartition("a", 1): 7}),
            ("offsets", 0, ((("a", 1), 7),)),
        ),
        (lambda consumer: consumer.setStartFromLatest().set_start_from_group_offsets(), ("group", 0, ())),
    ],
)
def test_where_reading_starts(call: Any, start: tuple[object, ...]) -> None:
    assert source(call(FlinkKafkaConsumer("a", SimpleStringSchema(), BROKERS))).start == start


class Whole(KafkaDeserializationSchema):
    def deserialize(self, record: Any) -> Any:
        return record


class WithEnd(SimpleStringSchema):
    def isEndOfStream(self, value: Any) -> bool:
        return value == "END"


class Trimmed(SimpleStringSchema):
    def deserialize(self, message: bytes) -> str:
        return super().deserialize(message).strip()


class Keyed:
    def deserialize(self, key: Any, value: Any, topic: str, partition: int, offset: int) -> Any:
        return key


@pytest.mark.parametrize(
    ("schema", "takes", "charset"),
    [
        (SimpleStringSchema(), "value", "utf-8"),
        (SimpleStringSchema("latin-1"), "value", "latin-1"),
        (WithEnd(), "value", "utf-8"),
        (Trimmed(), "value", None),
        (JSONDeserializationSchema(), "value", None),
        (len, "value", None),
        (Keyed(), "parts", None),
        (Whole(), "record", None),
    ],
)
def test_schemas_are_known_by_what_they_take(schema: Any, takes: str, charset: str | None) -> None:
    made = source(FlinkKafkaConsumer("a", schema, BROKERS))
    assert (made.takes, made.charset) == (takes, charset)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FlinkKafkaConsumer([], SimpleStringSchema(), BROKERS), "Topics are a name, a list"),
        (lambda: FlinkKafkaConsumer("a", SimpleStringSchema(), {}), "bootstrap.servers is missing"),
        (lambda: FlinkKafkaConsumer("a", SimpleStringSchema(), 5), "A dict or a java.util.Properties"),
        (lambda: FlinkKafkaConsumer("a", SimpleStringSchema, BROKERS), "an object of it is needed"),
        (lambda: FlinkKafkaConsumer("a", object(), BROKERS), "A DeserializationSchema or a callable"),
        (lambda: FlinkKafkaConsumer("a", len, {**BROKERS, "fetch.min.bytes": "few"}), "fetch.min.bytes"),
        (lambda: FlinkKafkaConsumer("a", len, {**BROKERS, "auto.offset.reset": "no"}), "earliest, latest or none"),
        (lambda: FlinkKafkaProducer("", SimpleStringSchema(), BROKERS), "The topic is a str"),
        (
            lambda: FlinkKafkaProducer("a", SimpleStringSchema(), BROKERS, semantic=cast("Any", "once")),
            "A Semantic is needed",
        ),
        (lambda: FlinkKafkaProducer("a", SimpleStringSchema(), {**BROKERS, "acks": "some"}), "acks"),
    ],
)
def test_what_cannot_work_is_refused_at_the_call(make: Any, message: str) -> None:
    with pytest.raises(InvalidProgramException, match=message) as refused:
        make()
    assert "test_kafka_api.py" in str(refused.value)


def test_properties_that_nobody_knows_give_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"not known, and left out: my\.own"):
        made = source(FlinkKafkaConsumer("a", len, {**BROKERS, "my.own": "1"}))
    assert "my.own" not in made.settings


class KeyAndValue(KeyedSerializationSchema):
    def serializeKey(self, record: Any) -> bytes:
        return b"k"

    def serializeValue(self, record: Any) -> bytes:
        return b"v"


def to_record(value: Any, timestamp: Any) -> ProducerRecord:
    return ProducerRecord("b", value)


@pytest.mark.parametrize(
    ("schema", "gives"), [(SimpleStringSchema(), "value"), (KeyAndValue(), "parts"), (to_record, "record")]
)
def test_schemas_are_known_by_what_they_give(schema: Any, gives: str) -> None:
    assert sink(FlinkKafkaProducer("a", schema, BROKERS)).gives == gives


def test_a_producer_is_made_as_in_flinks_versions() -> None:
    once = FlinkKafkaProducer.Semantic.EXACTLY_ONCE
    by_brokers = sink(FlinkKafkaProducer("127.0.0.1:9092", "a", SimpleStringSchema()))
    assert (by_brokers.topic, by_brokers.settings) == ("a", BROKERS)
    assert sink(FlinkKafkaProducer("a", SimpleStringSchema(), BROKERS, once)).transactional
    assert sink(FlinkKafkaProducer("a", SimpleStringSchema(), BROKERS, None, once, 5)).by_key
    assert not sink(FlinkKafkaProducer("a", SimpleStringSchema(), BROKERS)).by_key
    assert sink(FlinkKafkaProducer("a", SimpleStringSchema(), BROKERS, FlinkFixedPartitioner())).partitioner is not None
    stamped = FlinkKafkaProducer010("a", SimpleStringSchema(), BROKERS).setWriteTimestampToKafka(True)
    assert sink(stamped).stamped
    loose = FlinkKafkaProducer010("a", SimpleStringSchema(), BROKERS).setFlushOnCheckpoint(False)
    assert sink(loose.setLogFailuresOnly(True)).guarantee == "none"


@pytest.mark.parametrize(
    ("parts", "known"),
    [
        ((b"v",), (None, None, None, b"v")),
        ((b"k", b"v"), (None, None, b"k", b"v")),
        ((1, b"k", b"v"), (1, None, b"k", b"v")),
        ((1, 5, b"k", b"v"), (1, 5, b"k", b"v")),
    ],
)
def test_a_producer_record_is_made_as_in_java(parts: tuple[Any, ...], known: tuple[Any, ...]) -> None:
    record = ProducerRecord("t", *parts)
    assert (record.partition(), record.timestamp(), record.key(), record.value()) == known


def test_without_the_package_the_extra_is_named() -> None:
    script = """
import sys
sys.modules["confluent_kafka"] = None
from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumer
FlinkKafkaConsumer("a", len, {"bootstrap.servers": "127.0.0.1:9092"})
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "Kafka needs a package that is not installed:" in run.stderr
    assert "venv.sh kafka" in run.stderr
