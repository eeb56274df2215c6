"""Where the reading of partitions begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.connectors.kafka.client import KafkaFailure
from stream_engine.connectors.kafka.partitions import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import Consumer

    from stream_engine.connectors.kafka.partitions import Partition
    from stream_engine.graph.specs import KafkaSource


def start_offsets(
    consumer: Consumer, partitions: Sequence[Partition], source: KafkaSource, timeout: float
) -> dict[Partition, int]:
    """The offset of the first record to read of each of ``partitions``, as the script wants it.

    Each request may take ``timeout`` seconds. Raises KafkaException for what may go well another time, KafkaFailure
    where a group has no offset and the script wants none made up.
    """
    mode, given = source.start.mode, dict(source.start.offsets)
    found = {partition: given[partition] for partition in partitions if mode == "offsets" and partition in given}
    rest = [partition for partition in partitions if partition not in found]
    if mode in ("earliest", "latest"):
        return {partition: _bound(consumer, partition, mode, timeout) for partition in rest}
    if mode == "timestamp":
        return _at_time(consumer, rest, source.start.time, timeout)
    return {**found, **_committed(consumer, rest, source, timeout)}


def reset_offset(consumer: Consumer, partition: Partition, source: KafkaSource, timeout: float) -> int:
    """Where to begin in a partition that has no offset to go on from. Raises as ``start_offsets``."""
    reset = source.options.reset
    if reset == "none":
        raise KafkaFailure(
            f"{source.options.group!r} has no offset for {name_of(partition)}, and auto.offset.reset is none: "
            "set it to earliest or latest, or call set_start_from_earliest() of the consumer"
        )
    return _bound(consumer, partition, reset, timeout)


def _bound(consumer: Consumer, partition: Partition, which: str, timeout: float) -> int:
    from confluent_kafka import TopicPartition

    low, high = consumer.get_watermark_offsets(TopicPartition(*partition), timeout)
    return low if which == "earliest" else high


def _at_time(consumer: Consumer, partitions: list[Partition], time: int, timeout: float) -> dict[Partition, int]:
    from confluent_kafka import KafkaException, TopicPartition

    offsets: dict[Partition, int] = {}
    asked = [TopicPartition(*partition, time) for partition in partitions]
    for answer in consumer.offsets_for_times(asked, timeout) if asked else ():
        if answer.error is not None:
            raise KafkaException(answer.error)
        partition = answer.topic, answer.partition
        # Without a record of that time or later it is the next one that is to come.
        offsets[partition] = answer.offset if answer.offset >= 0 else _bound(consumer, partition, "latest", timeout)
    return offsets


def _committed(
    consumer: Consumer, partitions: list[Partition], source: KafkaSource, timeout: float
) -> dict[Partition, int]:
    from confluent_kafka import KafkaException, TopicPartition

    offsets: dict[Partition, int] = {}
    if source.options.group is not None and partitions:
        for answer in consumer.committed([TopicPartition(*partition) for partition in partitions], timeout):
            if answer.error is not None:
                raise KafkaException(answer.error)
            if answer.offset >= 0:
                offsets[answer.topic, answer.partition] = answer.offset
    for partition in partitions:
        if partition not in offsets:
            offsets[partition] = reset_offset(consumer, partition, source, timeout)
    return offsets
