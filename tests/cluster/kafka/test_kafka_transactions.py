from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from stream_engine.api.capture.snapshot import snapshot
from stream_engine.api.serialization import SerializationSchema, SimpleStringSchema
from stream_engine.connectors.kafka.client import KafkaFailure
from stream_engine.connectors.kafka.transactions import Sender, TransactionalWriter
from stream_engine.graph.specs import KafkaSink

if TYPE_CHECKING:
    from collections.abc import Callable

    from kafka_broker import Kafka


@pytest.fixture
def topic(kafka: Kafka, name: str) -> str:
    return kafka.create_topic(name)


@pytest.fixture
def writer(kafka: Kafka, topic: str) -> Callable[..., TransactionalWriter]:
    """Makes the writer of a subtask that resumes with ``state``: its own, or a list of everyone's."""

    def make(state: Any = None, index: int = 0, width: int = 1) -> TransactionalWriter:
        schema = snapshot(SimpleStringSchema(), "serialize", SerializationSchema, ("value",))
        sink = KafkaSink(
            topic, schema, "value", {"bootstrap.servers": kafka.address}, guarantee="exactly-once", timeout=60_000
        )
        made = TransactionalWriter(sink, topic, index, width)
        if isinstance(state, list):
            made.restore_all_states(state)
        elif state is not None:
            made.restore_state(state)
        made.open()
        return made

    return make


def checkpointed(writer: TransactionalWriter, *records: str) -> tuple[int, Any]:
    """Writes ``records`` in a transaction that a checkpoint counts; its number, and the state in the checkpoint."""
    number = writer.begin()
    for record in records:
        writer.invoke(record)
    writer.pre_commit(number)
    return number, writer.snapshot_state()


def test_records_show_when_their_transaction_is_committed(kafka: Kafka, topic: str, writer: Any) -> None:
    first = writer()
    number, _ = checkpointed(first, "a", "b")
    assert kafka.values(topic, "read_uncommitted") == []
    first.commit(number)
    first.commit(number)
    assert kafka.values(topic) == ["a", "b"]


def test_what_a_checkpoint_counts_is_committed_after_a_crash(kafka: Kafka, topic: str, writer: Any) -> None:
    # Given a process that is gone between the checkpoint and the commit, and what it wrote after the checkpoint
    first = writer()
    _, state = checkpointed(first, "a", "b")
    first.begin()
    first.invoke("never counted")
    # When another goes on from the checkpoint
    second = writer(state)
    # Then what it counts shows, and no more
    assert kafka.values(topic) == ["a", "b"]
    # And a second restart from the same checkpoint changes nothing
    del second
    writer(state)
    assert kafka.values(topic) == ["a", "b"]


def test_what_was_committed_before_a_crash_is_not_again(kafka: Kafka, topic: str, writer: Any) -> None:
    first = writer()
    number, state = checkpointed(first, "a")
    later, both = checkpointed(first, "b")
    first.commit(number)
    # Of the two that the second checkpoint has, one was committed
    writer(both)
    assert kafka.values(topic) == ["a", "b"]
    assert later > number
    # And from the first checkpoint, whose results were all committed, nothing comes once more
    writer(state)
    assert kafka.values(topic) == ["a", "b"]


def test_a_transaction_that_a_crash_left_open_is_aborted(kafka: Kafka, topic: str, writer: Any) -> None:
    # Given a process that is gone in the middle of sending
    first = writer()
    _, state = checkpointed(first, "a")
    producer = first._sender.producer
    producer.begin_transaction()
    producer.produce(topic, b"half")
    producer.flush()
    assert kafka.open_partitions(topic) == [0]
    # When another goes on
    writer(state)
    # Then what was half sent is not there, what is counted is, and nothing is left open
    assert kafka.values(topic) == ["a"]
    assert kafka.open_partitions(topic) == []
    assert sorted(kafka.values(topic, "read_uncommitted")) == ["a", "half"]


def test_a_zombie_of_an_earlier_attempt_is_fenced(kafka: Kafka, topic: str, writer: Any) -> None:
    first = writer()
    number, state = checkpointed(first, "a")
    writer(state)
    with pytest.raises(KafkaFailure, match="another producer has this id now"):
        first.commit(number)
    assert kafka.values(topic) == ["a"]


@pytest.mark.parametrize("width", [1, 3])
def test_at_another_parallelism_all_is_committed_once(kafka: Kafka, topic: str, writer: Any, width: int) -> None:
    # Given two subtasks, each with a transaction that was committed and one that was not
    states, zombies = [], []
    for index in range(2):
        former = writer(None, index, 2)
        number, _ = checkpointed(former, f"{index} committed")
        pending, state = checkpointed(former, f"{index} pending")
        former.commit(number)
        states.append(state)
        zombies.append((former, pending))
    # When as many as ``width`` go on
    for index in range(width):
        writer(states, index, width)
    # Then all shows once, and the former ones are fenced
    assert sorted(kafka.values(topic)) == ["0 committed", "0 pending", "1 committed", "1 pending"]
    for former, pending in zombies:
        with pytest.raises(KafkaFailure, match="another producer"):
            former.commit(pending)


def test_the_transactions_of_another_run_are_not_taken_for_ones_own(kafka: Kafka, topic: str, writer: Any) -> None:
    # Given a run that went on for long after the checkpoint
    first = writer()
    _, state = checkpointed(first, "a")
    first.commit(first._number)
    for each in range(5):
        first.commit(checkpointed(first, f"later {each}")[0])
    # When the job goes on from that checkpoint, and crashes before it commits its first transaction
    second = writer(state)
    _, later = checkpointed(second, "again")
    # Then that is committed by whoever comes next, though its count of transactions is that of an earlier one
    writer(later)
    assert kafka.values(topic) == ["a", *(f"later {each}" for each in range(5)), "again"]


def test_a_marker_that_cannot_be_read_is_asked_for_again(
    kafka: Kafka, topic: str, writer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, state = checkpointed(writer(), "a")
    failures = [KafkaException(KafkaError(KafkaError.COORDINATOR_LOAD_IN_PROGRESS))]
    read = Sender._read_marker

    def fail_once(sender: Sender) -> int:
        if failures:
            raise failures.pop()
        return read(sender)

    monkeypatch.setattr(Sender, "_read_marker", fail_once)
    second = writer(state)
    assert kafka.values(topic) == ["a"]
    assert second._sender.marker == number


def test_an_old_state_that_no_marker_decides_on_is_refused(
    kafka: Kafka, topic: str, writer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, state = checkpointed(writer(), "a")
    state["at"] -= 30 * 86_400
    with pytest.raises(KafkaFailure, match="30 days old"):
        writer(state)
    assert kafka.values(topic) == []
