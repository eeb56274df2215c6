from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest
from confluent_kafka import Producer
from launched import PATIENCE, finish, wait_until
from reading import Reading
from servers import free_ports

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_broker import Kafka
    from launched import Launcher

# Writes what it reads to the console; with checkpoints if its third parameter is not 0.
READ = """
    import sys
    from org.apache.flink.api.common.serialization import SimpleStringSchema
    from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumer

    def main(factory):
        address, name, interval = sys.argv[1:]
        env = factory.get_execution_environment()
        if interval != "0":
            env.enable_checkpointing(int(interval))
        properties = {
            "bootstrap.servers": address, "group.id": name, "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": "100", "flink.partition-discovery.interval-millis": "200",
            "default.api.timeout.ms": "LIMIT",
        }
        env.add_source(FlinkKafkaConsumer(name, SimpleStringSchema(), properties)).uid("in").output()
        env.execute()
""".replace("LIMIT", "120000")


def test_offsets_are_committed_when_a_checkpoint_is_complete(kafka: Kafka, launcher: Launcher, name: str) -> None:
    kafka.produce(kafka.create_topic(name, 2), [(number % 2, number) for number in range(30)])
    with Reading(launcher, READ, kafka.address, name, 50) as lines:
        lines.until(lambda found: len(found) == 30)
        assert wait_until(lambda: kafka.committed(name, name, 2) == [15, 15])


def test_without_checkpoints_offsets_are_committed_now_and_then(kafka: Kafka, launcher: Launcher, name: str) -> None:
    kafka.produce(kafka.create_topic(name), [(0, number) for number in range(30)])
    with Reading(launcher, READ, kafka.address, name, 0) as lines:
        lines.until(lambda found: len(found) == 30)
        assert wait_until(lambda: kafka.committed(name, name, 1) == [30])
        kafka.produce(name, [(0, 30)])
        lines.next()
    # What was read last is committed at the end
    assert wait_until(lambda: kafka.committed(name, name, 1) == [31])


def test_new_partitions_are_found_while_the_job_runs(kafka: Kafka, launcher: Launcher, name: str) -> None:
    kafka.produce(kafka.create_topic(name), [(0, "old")])
    with Reading(launcher, READ, kafka.address, name, 0, options=("-p", 2)) as lines:
        assert lines.next() == "old"
        kafka.add_partitions(name, 3)
        kafka.produce(name, [(1, "first"), (2, "second")])
        assert sorted([lines.next(), lines.next()]) == ["first", "second"]


def test_offsets_are_restored_at_another_parallelism(
    kafka: Kafka, launcher: Launcher, name: str, tmp_path: Path
) -> None:
    # Given a job that has read a hundred records of four partitions in two subtasks, and was stopped with a savepoint
    kafka.produce(kafka.create_topic(name, 4), [(number % 4, number) for number in range(100)])
    options = ("-p", 2, "--stop-with-savepoint", tmp_path / "savepoints")
    process = launcher.start(READ, *options, "-", kafka.address, name, 0)
    assert process.stdout is not None
    found = [process.stdout.readline() for _ in range(100)]
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 0, done.err
    assert done.stdout == ""
    # When it goes on with three subtasks, and one partition more
    kafka.add_partitions(name, 5)
    kafka.produce(name, [(number % 5, number) for number in range(100, 200)])
    savepoint = next((tmp_path / "savepoints").iterdir())
    with Reading(launcher, READ, kafka.address, name, 0, options=("-p", 3, "-s", savepoint)) as lines:
        later = lines.until(lambda found: len(found) == 100)
    # Then it reads what comes after, all of it, and nothing again
    assert Counter(later) == Counter(map(str, range(100, 200)))
    assert len(found) == 100


def test_metrics_say_how_far_a_job_is_behind(kafka: Kafka, launcher: Launcher, name: str) -> None:
    pytest.importorskip("prometheus_client", reason="the extra metrics is not installed")
    kafka.produce(kafka.create_topic(name), [(0, number) for number in range(30)])
    (port,) = free_ports(1)
    options = ("-D", f"metrics.reporter.prom.port={port}")

    def values() -> dict[str, float]:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
            samples = [line.split("{") for line in answer.read().decode().splitlines() if "{" in line]
        return {name.rpartition("_operator_")[2]: float(rest.split()[-1]) for name, rest in samples}

    with Reading(launcher, READ, kafka.address, name, 50, options=options) as lines:
        lines.until(lambda found: len(found) == 30)
        # It is not known before brokers have been asked
        assert wait_until(lambda: "pendingRecords" in values())
        assert wait_until(lambda: values()["KafkaConsumer_commitsSucceeded"] > 0)
        found = values()
    assert [found[each] for each in ("pendingRecords", "KafkaConsumer_records_lag_max")] == [0, 0]


def test_a_job_goes_on_when_the_broker_is_back(kafka: Kafka, launcher: Launcher, name: str) -> None:
    kafka.produce(kafka.create_topic(name), [(0, "before")])
    with Reading(launcher, READ, kafka.address, name, 0) as lines:
        assert lines.next() == "before"
        kafka.kill()
        kafka.start()
        kafka.produce(name, [(0, "after")])
        assert lines.next() == "after"
        # And its group learns of it
        assert wait_until(lambda: kafka.committed(name, name, 1) == [2])
    assert "can be reached again" in lines.err


COPY = """
    import sys
    from org.apache.flink.api.common.serialization import SimpleStringSchema
    from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumer, FlinkKafkaProducer

    def main(factory):
        address, name = sys.argv[1:]
        env = factory.get_execution_environment()
        env.enable_checkpointing(100)
        properties = {"bootstrap.servers": address, "auto.offset.reset": "earliest"}
        values = env.add_source(FlinkKafkaConsumer(name, SimpleStringSchema(), properties))
        values.add_sink(FlinkKafkaProducer(name + "-out", SimpleStringSchema(), {"bootstrap.servers": address}))
        values.output()
        env.execute()
"""


def test_a_sink_writes_all_when_the_broker_is_back(kafka: Kafka, launcher: Launcher, name: str) -> None:
    # Given a job that writes at least once
    kafka.produce(kafka.create_topic(name), [(0, number) for number in range(100)])
    target = kafka.create_topic(f"{name}-out")
    with Reading(launcher, COPY, kafka.address, name) as lines:
        lines.until(lambda found: len(found) == 100)
        # When the broker goes away and comes back
        kafka.kill()
        kafka.start()
        kafka.produce(name, [(0, number) for number in range(100, 200)])
        lines.until(lambda found: len(found) == 100)
        assert wait_until(lambda: kafka.ends(target) >= 200)
    # Then all is there, and as nothing has failed, only once
    assert kafka.values(target) == [str(number) for number in range(200)]


def test_a_job_fails_when_the_broker_stays_away(kafka: Kafka, launcher: Launcher, name: str) -> None:
    kafka.produce(kafka.create_topic(name), [(0, "before")])
    process = launcher.start(READ.replace("120000", "2000"), "-", kafka.address, name, 0)
    assert process.stdout is not None
    assert process.stdout.readline() == "before\n"
    kafka.kill()
    try:
        done = finish(process)
    finally:
        kafka.start()
    assert done.code == 1
    assert f"Kafka at {kafka.address}: no answer for 2 s" in done.err


def test_offsets_that_were_deleted_are_told_of(kafka: Kafka, launcher: Launcher, name: str) -> None:
    # Given a group that has read up to a record that Kafka has deleted since
    kafka.produce(kafka.create_topic(name), [(0, number) for number in range(10)])
    kafka.commit(name, name, {0: 2})
    kafka.delete_records(name, {0: 7})
    with Reading(launcher, READ, kafka.address, name, 0) as lines:
        assert lines.until(lambda found: len(found) == 3) == ["7", "8", "9"]
    assert f"partition 0 of {name} has no offset 2 any more" in lines.err


TIME = """
    import sys
    from org.apache.flink.streaming.api import TimeCharacteristic
    from org.apache.flink.streaming.api.functions.timestamps import AscendingTimestampExtractor
    from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumer

    class Time(AscendingTimestampExtractor):
        def extractAscendingTimestamp(self, value):
            return value

    def main(factory):
        address, name = sys.argv[1:]
        env = factory.get_execution_environment()
        env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
        consumer = FlinkKafkaConsumer(name, int, {"bootstrap.servers": address})
        consumer.set_start_from_earliest().assign_timestamps_and_watermarks(Time())
        values = env.add_source(consumer).map(lambda value: (value, 1)).key_by(lambda pair: 0)
        values.time_window(1000).reduce(lambda a, b: (min(a[0], b[0]), a[1] + b[1])).output()
        env.execute()
"""


def test_a_slow_partition_holds_time_and_an_idle_one_does_not(kafka: Kafka, launcher: Launcher, name: str) -> None:
    # Given one partition far ahead of the other, with records in the order of their time in each
    kafka.create_topic(name, 2)
    kafka.produce(name, [(0, number) for number in range(0, 100_000, 100)])
    kafka.produce(name, [(1, number) for number in range(50, 5050, 100)])
    options = ("-D", "pipeline.idle-timeout=2 s", "-D", "pipeline.auto-watermark-interval=20 ms")
    with Reading(launcher, TIME, kafka.address, name, options=options) as lines:
        # When the one has been read, which has no more and is idle after a while, time goes on without it
        windows = lines.until(lambda found: found[-1:] == ["(98000, 10)"])
        # Then no record of the other was late before: the windows that both have are whole
        assert windows[:5] == [f"({start}, 20)" for start in range(0, 5000, 1000)]
        assert windows[5] == "(5000, 10)"


def test_kafkas_time_is_given_to_an_assigner_that_asks_for_it(kafka: Kafka, launcher: Launcher, name: str) -> None:
    kafka.create_topic(name)
    producer = Producer({"bootstrap.servers": kafka.address})
    for time in (1000, 1500, 2500, 9000):
        producer.produce(name, b"1", timestamp=1_000_000_000_000 + time)
    producer.flush()
    text = TIME.replace("(self, value):\n            return value", "(self, value, time):\n            return time")
    with Reading(launcher, text, kafka.address, name) as lines:
        assert lines.until(lambda found: len(found) == 2) == ["(1, 2)", "(1, 1)"]
