"""Which subtasks of a host have work: found without a look at the others, however many there are."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from stream_engine.graph.job_graph import Task


class Worked(Protocol):
    """What has work at times: a subtask."""

    task: Task
    index: int

    @property
    def ready(self) -> bool: ...


T = TypeVar("T", bound=Worked)


class ReadyQueue(Generic[T]):
    """Subtasks with input, the one furthest downstream first, so that little is on its way."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, T]] = []
        self._listed: set[T] = set()

    def add(self, subtask: T) -> None:
        """It has input, or may process some again."""
        if subtask not in self._listed:
            self._listed.add(subtask)
            heappush(self._heap, (-subtask.task.id, subtask.index, subtask))

    def first(self) -> T | None:
        """The one to work next, which stays in the queue; None when none is ready."""
        heap = self._heap
        while heap:
            subtask = heap[0][2]
            if subtask.ready:
                return subtask
            # Added again when that changes.
            heappop(heap)
            self._listed.discard(subtask)
        return None


class Holder(Protocol):
    """What holds records or lines back, to hand them on together."""

    index: int

    def flush(self) -> None:
        """Hands them on."""
        ...


class HeldBack:
    """Those that hold something back, in the order in which they began to: no other needs to be flushed."""

    def __init__(self) -> None:
        self._holders: dict[Holder, None] = {}

    def __len__(self) -> int:
        return len(self._holders)

    def add(self, holder: Holder) -> None:
        self._holders[holder] = None

    def take(self) -> Holder:
        """The one that has held something for longest, to be flushed; what it holds anew is for another time."""
        holder = next(iter(self._holders))
        del self._holders[holder]
        return holder
