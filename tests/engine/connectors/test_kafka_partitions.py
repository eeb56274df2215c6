from __future__ import annotations

import pytest

from stream_engine.connectors.kafka.partitions import _java_hash, subtask_of


@pytest.mark.parametrize(("text", "number"), [("", 0), ("a", 97), ("orders", 0xC3DF62E5), ("\U0001f30a", 1773134)])
def test_names_have_the_hash_that_they_have_in_java(text: str, number: int) -> None:
    assert _java_hash(text) == number


@pytest.mark.parametrize("width", [1, 2, 3, 7])
def test_the_partitions_of_a_topic_go_to_the_subtasks_in_turn(width: int) -> None:
    subtasks = [subtask_of(("orders", number), width) for number in range(2 * width)]
    assert subtasks[:width] == subtasks[width:]
    assert sorted(subtasks[:width]) == list(range(width))


def test_topics_begin_at_different_subtasks() -> None:
    assert len({subtask_of((f"topic-{number}", 0), 4) for number in range(50)}) == 4
