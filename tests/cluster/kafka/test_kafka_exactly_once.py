from __future__ import annotations

import os
import random
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from killing import workers_of
from launched import PATIENCE, wait_until

if TYPE_CHECKING:
    from kafka_broker import Kafka
    from launched import Launcher

COUNT = """
    import sys
    from org.apache.flink.api.common.restartstrategy import RestartStrategies
    from org.apache.flink.api.common.serialization import SimpleStringSchema
    from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumer, FlinkKafkaProducer

    class Lines(SimpleStringSchema):
        left = 2
        def deserialize(self, message):
            if message != b"END":
                return message.decode()
            self.left -= 1
            return None if self.left else "END"
        def isEndOfStream(self, record):
            return record == "END"

    def main(factory):
        address, name = sys.argv[1:]
        env = factory.get_execution_environment()
        env.enable_checkpointing(100)
        env.set_restart_strategy(RestartStrategies.fixed_delay_restart(1000, 50))
        properties = {"bootstrap.servers": address, "group.id": name, "auto.offset.reset": "earliest"}
        once = FlinkKafkaProducer.Semantic.EXACTLY_ONCE
        producer = FlinkKafkaProducer(name + "-out", SimpleStringSchema(), {"bootstrap.servers": address}, once)
        words = env.add_source(FlinkKafkaConsumer(name + "-in", Lines(), properties)).uid("in")
        counts = words.map(lambda word: (word, 1)).key_by(lambda pair: pair[0]).reduce(lambda a, b: (a[0], a[1] + b[1]))
        counts.map(lambda pair: f"{pair[0]}:{pair[1]}").add_sink(producer).uid("out")
        env.execute()
"""

RECORDS, WORDS, PARTITIONS = 100_000, 97, 4
KILLED_WORKERS, KILLED_BROKERS = 10, 2


def kill_a_worker(launcher: int, choice: random.Random) -> None:
    """Kills one of the processes that the fork server of the command has forked."""

    def killed() -> bool:
        workers = workers_of(launcher)
        if not workers:
            return False
        try:
            os.kill(choice.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    assert wait_until(killed)


# Much of it is the broker's starting, and its clients' finding that it is back.
@pytest.mark.timeout(1200)
def test_every_result_shows_once_whatever_is_killed(kafka: Kafka, launcher: Launcher, name: str) -> None:
    # Given a job that counts words from one topic into another, exactly once
    source, target = f"{name}-in", f"{name}-out"
    kafka.create_topic(source, PARTITIONS)
    kafka.create_topic(target, 2)
    choice = random.Random(7)
    process = launcher.start(COUNT, "-p", 2, "-", kafka.address, name)
    try:
        # When workers are killed, and now and then the broker, at any moment of its work
        kills = [*["worker"] * KILLED_WORKERS, *["broker"] * KILLED_BROKERS]
        choice.shuffle(kills)
        written = 0
        for index, victim in enumerate(kills):
            upto = RECORDS * (index + 1) // (len(kills) + 1)
            kafka.produce(source, [(number % PARTITIONS, f"w{number % WORDS}") for number in range(written, upto)])
            written = upto
            # A part of it at least is counted before, so that each kill hits a job that works.
            mark = written - choice.randrange(1, RECORDS // (len(kills) + 1))
            assert wait_until(lambda mark=mark: kafka.ends(target) >= mark or process.poll() is not None)
            assert process.poll() is None, process.communicate()[1]
            if victim == "worker":
                kill_a_worker(process.pid, choice)
            else:
                kafka.kill()
                kafka.start()
        kafka.produce(source, [(number % PARTITIONS, f"w{number % WORDS}") for number in range(written, RECORDS)])
        kafka.produce(source, [(partition, "END") for partition in range(PARTITIONS)])
        _, err = process.communicate(timeout=PATIENCE)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    assert process.returncode == 0, err
    # Given, too, that nothing came twice into the topic that it reads
    assert len(kafka.values(source)) == RECORDS + PARTITIONS
    # Then who reads what was committed finds each count of each word, once
    wanted = Counter(
        f"w{word}:{count}" for word in range(WORDS) for count in range(1, len(range(word, RECORDS, WORDS)) + 1)
    )
    found = Counter(kafka.values(target))
    assert found - wanted == Counter()
    assert wanted - found == Counter()
    # And nothing keeps other readers waiting
    assert kafka.open_partitions(target) == []
