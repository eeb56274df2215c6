"""A real Kafka: one process that is broker and controller, which can be killed and started again."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, IsolationLevel, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic, OffsetSpec  # pyright: ignore[reportPrivateImportUsage]
from launched import wait_until
from maven import jars
from servers import PATIENCE, Server, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from confluent_kafka import Message

_ARTIFACT = "org.apache.kafka:kafka_2.13:4.1.0"
_JAVA = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
_CLUSTER = "AAAAAAAAAAAAAAAAAAAAAQ"
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={directory}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
# A broker that was killed may not come back before its session has ended.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=300
"""


class Kafka:
    """Runs while the context lasts; ``address`` is that of the broker. Each test has topics of its own."""

    def __init__(self, directory: Path) -> None:
        self.port, controller = free_ports(2)
        self.address = f"127.0.0.1:{self.port}"
        self._directory = directory
        self._java = [*_JAVA, "-cp", f"{jars(_ARTIFACT)}/*"]
        self._properties = directory / "server.properties"
        text = _PROPERTIES.format(port=self.port, controller=controller, directory=directory)
        self._properties.write_text(text, encoding="utf-8")
        self._server = Server([*self._java, "kafka.Kafka", str(self._properties)], directory / "broker.log")

    def __enter__(self) -> Kafka:
        self._run("kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(self._properties))
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Returns when it answers."""
        self._server.start(self._answers)

    def kill(self) -> None:
        """At once, as a failure of its machine does; ``start`` finds what it has written."""
        self._server.kill()

    def _answers(self) -> bool:
        try:
            return bool(self.admin().list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([*self._java, *arguments], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.address, "log_level": 0})

    def create_topic(self, name: str, partitions: int = 1, **settings: str) -> str:
        """Returns its name."""
        config = {key.replace("_", "."): value for key, value in settings.items()}
        admin = self.admin()
        admin.create_topics([NewTopic(name, partitions, 1, config=config)])[name].result()
        return name

    def add_partitions(self, name: str, total: int) -> None:
        admin = self.admin()
        admin.create_partitions([NewPartitions(name, total)])[name].result()
        # That is the controller's word: the broker drops what comes for them before it knows of them itself.
        assert wait_until(lambda: len(admin.list_topics(name, PATIENCE).topics[name].partitions) == total)

    def produce(self, topic: str, records: Iterable[tuple[int, object]], **settings: object) -> None:
        """Writes values, as text unless they are bytes, into the partitions that come with them."""
        lost: list[object] = []

        def told(error: object, _: object) -> None:
            if error is not None:
                lost.append(error)

        producer = Producer(
            {"bootstrap.servers": self.address, "linger.ms": 50, "enable.idempotence": True, **settings}
        )
        for partition, value in records:
            payload = value if isinstance(value, bytes) else str(value).encode()
            while True:
                try:
                    producer.produce(topic, payload, partition=partition, on_delivery=told)
                    break
                except BufferError:
                    producer.poll(1)
        assert producer.flush(PATIENCE) == 0
        assert not lost, lost

    def commit(self, group: str, topic: str, offsets: dict[int, int]) -> None:
        """Lets a group have read that far, by partition."""
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": group})
        wanted = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
        consumer.commit(offsets=wanted, asynchronous=False)
        consumer.close()

    def delete_records(self, topic: str, before: dict[int, int]) -> None:
        """Deletes what is before an offset, by partition, as the end of its retention would."""
        admin = self.admin()
        for answer in admin.delete_records([TopicPartition(topic, *each) for each in before.items()]).values():
            answer.result()

    def committed(self, group: str, topic: str, partitions: int) -> list[int]:
        """The offsets that a group has committed; negative where it has none."""
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": group})
        try:
            asked = [TopicPartition(topic, number) for number in range(partitions)]
            return [each.offset for each in consumer.committed(asked, PATIENCE)]
        finally:
            consumer.close()

    def messages(self, topic: str, isolation: str = "read_committed") -> list[Message]:
        """All that can be read of a topic up to its present end, by somebody of that isolation level."""
        settings = {
            "bootstrap.servers": self.address,
            "group.id": "tests",
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
        consumer = Consumer(settings)
        try:
            left = set(consumer.list_topics(topic, PATIENCE).topics[topic].partitions)
            consumer.assign([TopicPartition(topic, number, 0) for number in left])
            found: list[Message] = []
            while left:
                for message in consumer.consume(10_000, 1):
                    if message.error() is None:
                        found.append(message)
                    else:
                        left.discard(message.partition() or 0)
            return found
        finally:
            consumer.close()

    def values(self, topic: str, isolation: str = "read_committed") -> list[str]:
        return [(message.value() or b"").decode() for message in self.messages(topic, isolation)]

    def ends(self, topic: str) -> int:
        """How many offsets of a topic are taken, by records and by the ends of transactions."""
        return sum(self._ends(topic, IsolationLevel.READ_UNCOMMITTED).values())

    def open_partitions(self, topic: str) -> list[int]:
        """The partitions with records of transactions that are neither committed nor aborted."""
        committed = self._ends(topic, IsolationLevel.READ_COMMITTED)
        everything = self._ends(topic, IsolationLevel.READ_UNCOMMITTED)
        return [partition for partition in everything if committed[partition] != everything[partition]]

    def _ends(self, topic: str, level: IsolationLevel) -> dict[int, int]:
        admin = self.admin()
        listed = admin.list_topics(topic, PATIENCE).topics[topic].partitions
        wanted: dict[TopicPartition, Any] = {TopicPartition(topic, each): OffsetSpec.latest() for each in listed}
        answers = admin.list_offsets(wanted, isolation_level=level)
        return {each.partition: answer.result().offset for each, answer in answers.items()}
