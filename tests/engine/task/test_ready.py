"""The next subtask with work is found without a look at those that have none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from stream_engine.task.ready import HeldBack, ReadyQueue


class Subtask:
    """Counts how often it is asked whether it is ready."""

    def __init__(self, task: int, index: int = 0) -> None:
        self.task, self.index = SimpleNamespace(id=task), index
        self.is_ready = True
        self.asked = 0

    @property
    def ready(self) -> bool:
        self.asked += 1
        return self.is_ready


def queue_of(*subtasks: Subtask) -> Any:
    queue: Any = ReadyQueue()
    for subtask in subtasks:
        queue.add(subtask)
    return queue


def test_the_subtask_furthest_downstream_comes_first():
    first, last, twin = Subtask(1), Subtask(7), Subtask(7, index=1)
    queue = queue_of(first, twin, last)

    order = []
    while (subtask := queue.first()) is not None:
        order.append(subtask)
        subtask.is_ready = False

    assert order == [last, twin, first]


def test_a_subtask_stays_first_while_it_has_input():
    first, last = Subtask(1), Subtask(2)
    queue = queue_of(first, last)

    assert [queue.first() for _ in range(3)] == [last] * 3


def test_a_subtask_that_was_not_ready_comes_again_when_it_is_added():
    only = Subtask(1)
    queue = queue_of(only)
    only.is_ready = False
    assert queue.first() is None

    only.is_ready = True
    assert queue.first() is None
    queue.add(only)
    assert queue.first() is only


def test_subtasks_without_work_are_not_looked_at():
    subtasks = [Subtask(task) for task in range(1000)]
    queue = queue_of(subtasks[10], subtasks[20])

    assert queue.first() is subtasks[20]
    assert sum(subtask.asked for subtask in subtasks) == 1


def test_a_subtask_that_was_added_twice_is_in_the_queue_once():
    only = Subtask(1)
    queue = queue_of(only, only)

    only.is_ready = False

    assert queue.first() is None
    assert only.asked == 1


def test_what_has_held_something_back_for_longest_is_flushed_first():
    held: Any = HeldBack()
    first, second = object(), object()
    for each in (second, first, second):
        held.add(each)

    assert held.take() is second
    held.add(second)
    assert [held.take(), held.take()] == [first, second]
    assert not held
