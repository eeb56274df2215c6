from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kafka_broker import Kafka
    from launched import Launcher

WRITE = """
    import sys
    from org.apache.flink.api.common.serialization import SimpleStringSchema
    from org.apache.flink.streaming.connectors.kafka import FlinkKafkaProducer
    from org.apache.flink.streaming.util.serialization import KeyedSerializationSchema
    from org.apache.kafka.clients.producer import ProducerRecord

    class Keyed(KeyedSerializationSchema):
        def serializeKey(self, value):
            return str(value % 10)
        def serializeValue(self, value):
            return str(value).encode()
        def getTargetTopic(self, value):
            return None

    def record(value, timestamp):
        return ProducerRecord(sys.argv[2], value % 2, 5000 + value, b"k", str(value), [("h", b"1")])

    def main(factory):
        env = factory.get_execution_environment()
        schema, others = {
            "fixed": (SimpleStringSchema(), ()),
            "by key": (Keyed(), (None,)),
            "chosen": (Keyed(), (lambda record, key, value, topic, all: all[record % len(all)],)),
            "record": (record, ()),
        }[sys.argv[3]]
        numbers = env.from_collection(list(range(100)))
        numbers.add_sink(FlinkKafkaProducer(sys.argv[2], schema, {"bootstrap.servers": sys.argv[1]}, *others))
        env.execute()
"""


@pytest.mark.parametrize("kind", ["fixed", "by key", "chosen", "record"])
def test_records_come_as_the_schema_and_the_partitioner_say(
    kafka: Kafka, launcher: Launcher, name: str, kind: str
) -> None:
    kafka.create_topic(name, 2)
    launcher.output(WRITE, "-", kafka.address, name, kind)
    messages = kafka.messages(name)
    found = {int((each.value() or b"").decode()): each for each in messages}
    assert sorted(found) == list(range(100))
    assert len(messages) == 100
    partitions = {number: message.partition() for number, message in found.items()}
    if kind == "fixed":
        assert set(partitions.values()) == {0}
    elif kind == "by key":
        assert all(partitions[number] == partitions[number % 10] for number in found)
        assert set(partitions.values()) == {0, 1}
    else:
        assert all(partition == number % 2 for number, partition in partitions.items())
    if kind == "record":
        assert all(found[number].timestamp()[1] == 5000 + number for number in found)
        assert found[7].headers() == [("h", b"1")]
        assert found[7].key() == b"k"


def test_a_topic_that_does_not_exist_fails_the_job(kafka: Kafka, launcher: Launcher, name: str) -> None:
    limit = '"bootstrap.servers": sys.argv[1], "delivery.timeout.ms": "3000"}'
    text = WRITE.replace('"bootstrap.servers": sys.argv[1]}', limit)
    done = launcher.run(text, "-", kafka.address, name, "fixed")
    assert done.code == 1
    assert f"Kafka at {kafka.address}, topic {name}" in done.err
