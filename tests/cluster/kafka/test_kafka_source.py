from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer
from launched import wait_until
from reading import Reading

if TYPE_CHECKING:
    from kafka_broker import Kafka
    from launched import Launcher

# A schema that ends its subtask with the last of ``ends`` records END.
HEAD = """
    import sys
    from org.apache.flink.api.common.serialization import SimpleStringSchema
    from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumer

    class Lines(SimpleStringSchema):
        def __init__(self, ends=1):
            super().__init__()
            self.left = ends
        def deserialize(self, message):
            if message != b"END":
                return message.decode()
            self.left -= 1
            return None if self.left else "END"
        def isEndOfStream(self, record):
            return record == "END"
"""


def script(body: str, head: str = HEAD) -> str:
    return head + body


def ended(partitions: int, records: int) -> list[tuple[int, object]]:
    """The numbers from 0, in all partitions in turn, each of which ends with END."""
    numbers: list[tuple[int, object]] = [(number % partitions, number) for number in range(records)]
    return numbers + [(partition, "END") for partition in range(partitions)]


READ_ALL = script("""
    def main(factory):
        env = factory.get_execution_environment()
        properties = {"bootstrap.servers": sys.argv[1], "auto.offset.reset": "earliest"}
        env.add_java_source(FlinkKafkaConsumer(sys.argv[2], Lines(int(sys.argv[3])), properties)).output()
        env.execute()
""")


@pytest.mark.parametrize("options", [(), ("--local-debug",)])
def test_all_records_of_a_topic_are_read(kafka: Kafka, launcher: Launcher, name: str, options: tuple[str]) -> None:
    kafka.produce(kafka.create_topic(name, 3), ended(3, 3000))
    lines = launcher.lines(READ_ALL, *options, "-", kafka.address, name, 3)
    assert sorted(map(int, lines)) == list(range(3000))
    # Those of each partition in their order.
    assert all([int(each) for each in lines if int(each) % 3 == k] == list(range(k, 3000, 3)) for k in range(3))


def test_partitions_are_spread_over_subtasks(kafka: Kafka, launcher: Launcher, name: str) -> None:
    kafka.produce(kafka.create_topic(name, 4), ended(4, 400))
    lines = launcher.lines(READ_ALL, "-p", 2, "-", kafka.address, name, 2)
    by_subtask: dict[str, set[int]] = {}
    for line in lines:
        subtask, _, number = line.partition("> ")
        by_subtask.setdefault(subtask, set()).add(int(number) % 4)
    assert len(lines) == 400
    assert sorted(map(sorted, by_subtask.values())) == [[0, 2], [1, 3]]


def test_a_subtask_without_partitions_ends_when_none_are_looked_for(
    kafka: Kafka, launcher: Launcher, name: str
) -> None:
    kafka.produce(kafka.create_topic(name), ended(1, 5))
    text = READ_ALL.replace('"earliest"}', '"earliest", "flink.partition-discovery.interval-millis": "-1"}')
    assert len(launcher.lines(text, "-p", 2, "-", kafka.address, name, 1)) == 5


START = script("""
    def main(factory):
        env = factory.get_execution_environment()
        properties = {"bootstrap.servers": sys.argv[1], "group.id": sys.argv[2]}
        consumer = FlinkKafkaConsumer([sys.argv[2]], Lines(), properties)
        consumer.START
        env.add_source(consumer).output()
        env.execute()
""")


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ("setStartFromEarliest()", 0),
        ("set_start_from_timestamp(1_000_000_050_000)", 50),
        ("setStartFromSpecificOffsets({(sys.argv[2], 0): 70})", 70),
        ("set_start_from_group_offsets()", 30),
    ],
)
def test_reading_starts_where_the_script_says(
    kafka: Kafka, launcher: Launcher, name: str, start: str, first: int
) -> None:
    # Given a hundred records, a second apart in time, of which the group has read thirty
    kafka.create_topic(name)
    producer = Producer({"bootstrap.servers": kafka.address})
    for number in range(100):
        producer.produce(name, str(number).encode(), timestamp=1_000_000_000_000 + number * 1000)
    producer.produce(name, b"END")
    producer.flush()
    kafka.commit(name, name, {0: 30})
    # When the job starts somewhere
    lines = launcher.lines(START.replace("START", start), "-", kafka.address, name)
    # Then it has all from there on
    assert lines == [str(number) for number in range(first, 100)]


def test_from_latest_only_what_comes_later_is_read(kafka: Kafka, launcher: Launcher, name: str) -> None:
    kafka.produce(kafka.create_topic(name), [(0, "early")])
    with Reading(launcher, START.replace("START", "set_start_from_latest()"), kafka.address, name) as lines:
        # What is written before the job has begun is not read, so it is written until something is.
        writing = Thread(target=lambda: wait_until(lambda: kafka.produce(name, [(0, "late")]) or seen.is_set()))
        seen = Event()
        writing.start()
        try:
            assert lines.next() == "late"
        finally:
            seen.set()
            writing.join()


TOPICS = script("""
    import re
    def main(factory):
        env = factory.get_execution_environment()
        properties = {"bootstrap.servers": sys.argv[1], "auto.offset.reset": "earliest"}
        topics = eval(sys.argv[2])
        env.add_source(FlinkKafkaConsumer(topics, Lines(2), properties)).output()
        env.execute()
""")


@pytest.mark.parametrize(("topics", "suffix"), [("['{0}-a', '{0}-b']", "l"), ("re.compile('{0}-[ab]')", "p")])
def test_topics_are_given_by_list_or_by_pattern(kafka: Kafka, launcher: Launcher, topics: str, suffix: str) -> None:
    name = f"topics-{suffix}"
    for each in ("a", "b", "c", "ab"):
        kafka.produce(kafka.create_topic(f"{name}-{each}"), [(0, each), (0, "END")])
    assert sorted(launcher.lines(TOPICS, "-", kafka.address, topics.format(name))) == ["a", "b"]


SCHEMAS = """
    import sys
    from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumer011, KafkaDeserializationSchema
    from org.apache.flink.streaming.util.serialization import (
        JSONDeserializationSchema, JSONKeyValueDeserializationSchema, KeyedDeserializationSchema,
    )

    class Keyed(KeyedDeserializationSchema):
        def deserialize(self, messageKey, message, topic, partition, offset):
            return (messageKey, message, topic == sys.argv[2], partition, offset)

    class Whole(KafkaDeserializationSchema):
        def deserialize(self, record):
            if record.value() is None:
                return None
            return (record.key(), record.partition(), record.offset(), record.timestamp(), record.headers())

    def main(factory):
        env = factory.get_execution_environment()
        schema = {
            "keyed": Keyed(), "whole": Whole(), "json": JSONDeserializationSchema(), "function": lambda data: len(data),
            "key-value": JSONKeyValueDeserializationSchema(True),
        }[sys.argv[3]]
        consumer = FlinkKafkaConsumer011(sys.argv[2], schema, {"bootstrap.servers": sys.argv[1]})
        env.add_source(consumer.set_start_from_earliest()).output()
        env.execute()
"""


@pytest.mark.parametrize(
    ("schema", "line"),
    [
        ("keyed", "(b'\"k\"', b'{\"a\": 1}', True, 0, 0)"),
        ("whole", "(b'\"k\"', 0, 0, 1234567890123, [('h', b'1'), ('h', b'2')])"),
        ("json", "{'a': 1}"),
        ("key-value", "{'key': 'k', 'value': {'a': 1}, 'metadata': {'topic': 'TOPIC', 'partition': 0, 'offset': 0}}"),
        ("function", "8"),
    ],
)
def test_schemas_are_given_what_they_ask_for(
    kafka: Kafka, launcher: Launcher, name: str, schema: str, line: str
) -> None:
    kafka.create_topic(name)
    producer = Producer({"bootstrap.servers": kafka.address})
    headers: list[tuple[str, str | bytes | None]] = [("h", b"1"), ("h", b"2")]
    producer.produce(name, b'{"a": 1}', b'"k"', timestamp=1234567890123, headers=headers)
    producer.flush()
    with Reading(launcher, SCHEMAS, kafka.address, name, schema) as lines:
        assert lines.next() == line.replace("TOPIC", name)


@pytest.mark.parametrize("options", [(), ("--local-debug",)])
def test_a_poison_record_is_named(kafka: Kafka, launcher: Launcher, name: str, options: tuple[str]) -> None:
    kafka.produce(kafka.create_topic(name, 2), [(1, '{"a": 1}')] * 17 + [(1, "{oops")])
    done = launcher.run(SCHEMAS, *options, "-", kafka.address, name, "json")
    assert done.code == 1
    assert f"offset 17 of partition 1 of {name}" in done.err
    assert "JSONDecodeError" in done.err
    assert "value=b'{oops'" in done.err
    # In their words, not in ours.
    assert "kafka_source.py" not in done.err


def test_a_topic_that_does_not_exist_is_an_error(kafka: Kafka, launcher: Launcher, name: str) -> None:
    done = launcher.run(READ_ALL, "-", kafka.address, name, 1)
    assert done.code == 1
    assert f"has no topic '{name}'" in done.err


def test_brokers_that_do_not_answer_are_an_error(launcher: Launcher) -> None:
    text = READ_ALL.replace('"earliest"}', '"earliest", "default.api.timeout.ms": "2000"}')
    done = launcher.run(text, "-", "127.0.0.1:1", "topic", 1)
    assert done.code == 1
    assert "Kafka at 127.0.0.1:1: no answer for 2 s" in done.err
