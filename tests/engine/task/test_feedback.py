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
