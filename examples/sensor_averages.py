"""Averages the readings of sensors by the hour, from a topic of Kafka into files.

    ./bin/pyflink-stream.sh examples/sensor_averages.py - --brokers 127.0.0.1:9092 --topic readings --output averages

Needs the extra "kafka" (bin/venv.sh kafka), and a broker. One for this machine, from Kafka's own distribution:

    bin/kafka-storage.sh format --standalone -t $(bin/kafka-storage.sh random-uuid) -c config/server.properties
    bin/kafka-server-start.sh config/server.properties
    bin/kafka-topics.sh --bootstrap-server 127.0.0.1:9092 --create --topic readings --partitions 2
    bin/kafka-console-producer.sh --bootstrap-server 127.0.0.1:9092 --topic readings

A reading is a line of JSON, with the seconds since the epoch at which it was taken. Readings of one partition may be
late by a minute:

    {"sensor": "cellar", "time": 1767225600, "celsius": 11.5}

Writes a line for each sensor and hour once no more readings of that hour are to be expected: the sensor, the hour in
UTC, the average, and the number of readings. The job has no end: stop it with Ctrl-C.
"""

import argparse
from datetime import datetime, timezone

from org.apache.flink.core.fs.FileSystem import WriteMode
from org.apache.flink.streaming.api import TimeCharacteristic
from org.apache.flink.streaming.api.functions.timestamps import BoundedOutOfOrdernessTimestampExtractor
from org.apache.flink.streaming.api.functions.windowing import WindowFunction
from org.apache.flink.streaming.api.windowing.time.Time import hours, minutes
from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumer
from org.apache.flink.streaming.util.serialization import JSONDeserializationSchema


class ReadingTime(BoundedOutOfOrdernessTimestampExtractor):
    def extractTimestamp(self, reading):
        return reading["time"] * 1000


class Average(WindowFunction):
    def apply(self, sensor, window, readings, collector):
        hour = datetime.fromtimestamp(window.start / 1000, timezone.utc)
        celsius = [reading["celsius"] for reading in readings]
        average = sum(celsius) / len(celsius)
        collector.collect(f"{sensor} {hour:%Y-%m-%dT%H}: {average:.2f} of {len(celsius)}")


def main(factory):
    parser = argparse.ArgumentParser(description="Averages the readings of sensors by the hour.")
    parser.add_argument("--brokers", default="127.0.0.1:9092", help="addresses of brokers (default: %(default)s)")
    parser.add_argument("--topic", default="readings", help="where readings come from (default: %(default)s)")
    parser.add_argument("--output", default="averages", help="the file or directory (default: %(default)s)")
    arguments = parser.parse_args()

    env = factory.get_execution_environment()
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    env.enable_checkpointing(10_000)
    properties = {"bootstrap.servers": arguments.brokers, "group.id": "sensor-averages"}
    consumer = FlinkKafkaConsumer(arguments.topic, JSONDeserializationSchema(), properties)
    consumer.set_start_from_earliest().assign_timestamps_and_watermarks(ReadingTime(minutes(1)))
    readings = env.add_source(consumer).uid("readings").key_by(lambda reading: reading["sensor"])
    averages = readings.time_window(hours(1)).apply(Average()).uid("averages")
    averages.write_as_text(arguments.output, WriteMode.OVERWRITE).uid("files")
    env.execute("Hourly averages")
