from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE

from stream_engine.api.capture.snapshot import snapshot
from stream_engine.api.serialization import DeserializationSchema, SimpleStringSchema
from stream_engine.configuration.kafka import consumer_options
from stream_engine.connectors.kafka.reader import KafkaReader
from stream_engine.graph.specs import KafkaSource, KafkaStart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kafka_broker import Kafka


class Worker:
    """Reads as a worker does, which sleeps until it is woken whenever there is nothing."""

    def __init__(self, address: str, topic: str, positions: dict[tuple[str, int], int]) -> None:
        properties = {"bootstrap.servers": address, "auto.offset.reset": "earliest"}
        schema = snapshot(SimpleStringSchema(), "deserialize", DeserializationSchema, ("message",))
        settings = {"bootstrap.servers": address}
        options = consumer_options(properties)
        source = KafkaSource((topic,), schema, "value", settings, options, KafkaStart("earliest"))
        self._woken = Event()
        self.reader = KafkaReader(source, 0, 1, self._woken.set)
        self.reader.restore(positions, complete=True)
        self.reader.start()

    def take(self, number: int) -> list[bytes | None]:
        """The values of the next messages, which are counted."""
        values: list[bytes | None] = []
        while len(values) < number:
            self._woken.clear()
            messages = self.reader.read(number - len(values))
            self.reader.count(messages)
            values += [message.value() for message in messages]
            assert messages or self._woken.wait(PATIENCE)
        return values


@pytest.fixture
def worker(kafka: Kafka, name: str) -> Iterator[Callable[[dict[tuple[str, int], int]], Worker]]:
    """Starts to read the test's topic at offsets."""
    made: list[Worker] = []

    def start(positions: dict[tuple[str, int], int]) -> Worker:
        made.append(Worker(kafka.address, name, positions))
        return made[-1]

    yield start
    for each in made:
        each.reader.close()


def test_who_was_told_of_nothing_but_a_loss_is_woken_again(
    kafka: Kafka, name: str, worker: Callable[..., Worker]
) -> None:
    # Given a reader whose first message is that its offset is gone
    kafka.produce(kafka.create_topic(name), [(0, number) for number in range(10)])
    kafka.delete_records(name, {0: 7})
    # When it is read, then it goes on after that
    assert worker({(name, 0): 2}).take(3) == [b"7", b"8", b"9"]


def test_lag_is_what_brokers_have_and_nobody_has_counted(
    kafka: Kafka, name: str, worker: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Looks at the ends whenever it is read.
    monkeypatch.setattr("stream_engine.connectors.kafka.reader._ENDS", 0)
    # Given two partitions, of one of which a part was read before
    kafka.produce(kafka.create_topic(name, 2), [(number % 2, number) for number in range(40)])
    reading = worker({(name, 0): 15, (name, 1): 0})
    assert reading.reader.lag() is None
    # When some are read, the lag is that of the others, in each partition and in all
    left = 25
    while reading.reader.lag((name, 0)) is None or reading.reader.lag((name, 1)) is None:
        assert left > 1
        left -= len(reading.take(1))
    positions = reading.reader.positions
    assert reading.reader.lag() == left
    assert [reading.reader.lag((name, each)) for each in (0, 1)] == [20 - positions[name, each] for each in (0, 1)]
    # And in the end there is none
    reading.take(left)
    assert reading.reader.lag() == 0
