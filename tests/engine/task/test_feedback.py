"""Where records wait that are fed back."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

from stream_engine.task.feedback import FeedbackQueue

if TYPE_CHECKING:
    from pathlib import Path


def test_the_queue_makes_its_directory_again_when_it_has_been_removed(tmp_path: Path) -> None:
    queue = FeedbackQueue(0, str(tmp_path / "spill"))
    queue.put([1])
    queue.put([2])
    assert [queue.get(), queue.get()] == [[1], [2]]
    queue.close()
    assert os.listdir(tmp_path / "spill") == []


def test_the_queue_keeps_its_order_between_memory_and_disk(tmp_path: Path) -> None:
    queue = FeedbackQueue(len(pickle.dumps(list(range(20)))), str(tmp_path))
    batches = [[index] * 10 for index in range(50)]
    taken = []
    for index, batch in enumerate(batches):
        queue.put(batch)
        if index % 3 == 0:
            taken.append(queue.get())
    while queue:
        taken.append(queue.get())
    queue.close()
    assert taken == batches


def test_the_queue_gives_several_batches_at_once_but_no_more_records_than_wanted(tmp_path: Path) -> None:
    queue = FeedbackQueue(1_000_000, str(tmp_path))
    batches = [[1], [2, 3], [4], [5, 6, 7, 8]]
    for batch in batches:
        queue.put(batch)
    assert [queue.get(3), queue.get(3), queue.get(3)] == [[1, 2, 3], [4], [5, 6, 7, 8]]
    assert not queue
    assert batches[0] == [1], "a batch belongs to whoever has put it there"
