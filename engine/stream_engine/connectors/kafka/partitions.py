"""Which subtask reads which partitions."""

from __future__ import annotations

# A topic, and the number of one of its partitions.
Partition = tuple[str, int]


def subtask_of(partition: Partition, width: int) -> int:
    """The index, of ``width`` subtasks, of the one that reads ``partition``.

    As in Flink: the partitions of a topic go to the subtasks in turn, beginning at one that the topic's name decides.
    Nothing but the name and the number counts, so that all workers agree, and those of later runs too.
    """
    topic, number = partition
    return (((_java_hash(topic) * 31) & 0x7FFFFFFF) % width + number) % width


def name_of(partition: Partition) -> str:
    """For people."""
    return f"partition {partition[1]} of {partition[0]}"


def _java_hash(text: str) -> int:
    value = 0
    for unit in memoryview(text.encode("utf-16-le")).cast("H"):
        value = (value * 31 + unit) & 0xFFFFFFFF
    return value
