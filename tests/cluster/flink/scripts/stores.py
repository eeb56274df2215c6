"""Jobs from and to what is elsewhere.

Parameters: the text to read and where its word count goes, for each of several stores; ``-``; the address of a Kafka
broker, and the name that its topics begin with.
"""

from __future__ import annotations

import sys

from org.apache.flink.api.common.serialization import SimpleStringSchema
from org.apache.flink.core.fs.FileSystem import WriteMode
from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumer, FlinkKafkaProducer


class Lines(SimpleStringSchema):
    """Text, up to a message that says END."""

    def isEndOfStream(self, record):
        return record == "END"


def words(line, collector):
    for word in line.split():
        collector.collect((word, 1))


def add(one, other):
    return (one[0], one[1] + other[1])


def counts(lines):
    return lines.flat_map(words).key_by(lambda pair: pair[0]).reduce(add)


def copy_of_topic(env, address, name, suffix):
    properties = {"bootstrap.servers": address, "group.id": f"{name}-{suffix}", "auto.offset.reset": "earliest"}
    lines = env.add_source(FlinkKafkaConsumer(f"{name}-in", Lines(), properties))
    producer = FlinkKafkaProducer(f"{name}-{suffix}", SimpleStringSchema(), {"bootstrap.servers": address})
    counts(lines).map(lambda pair: f"{pair[0]} {pair[1]}").add_sink(producer)


def main(factory):
    split = sys.argv.index("-")
    places, (address, name) = sys.argv[1:split], sys.argv[split + 1 :]
    env = factory.get_execution_environment()
    for source, target in zip(places[::2], places[1::2], strict=True):
        counts(env.read_text_file(source)).write_as_text(target, WriteMode.OVERWRITE)
    copy_of_topic(env, address, name, "plain")
    env.execute("stores")
    env.enable_checkpointing(500)
    copy_of_topic(env, address, name, "checkpointed")
    env.execute("checkpointed topics")
