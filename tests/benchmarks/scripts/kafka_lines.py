"""The values of a topic of one partition, each measured: kafka_lines.py - BROKERS TOPIC. END is the last of them."""

from __future__ import annotations

import sys

from totals import Total

from org.apache.flink.api.common.functions import MapFunction
from org.apache.flink.api.common.serialization import SimpleStringSchema
from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumer


class Length(MapFunction):
    def map(self, line):
        return len(line)


class Lines(SimpleStringSchema):
    def isEndOfStream(self, line):
        return line == "END"


def main(factory):
    brokers, topic = sys.argv[1:]
    env = factory.get_execution_environment()
    consumer = FlinkKafkaConsumer(topic, Lines(), {"bootstrap.servers": brokers}).set_start_from_earliest()
    env.add_source(consumer).map(Length()).add_sink(Total())
    print(env.execute("Lines of Kafka").get_accumulator_result("total"))
