"""What the subtasks of a job in this thread share."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

from stream_engine.operators.accumulators import Accumulators
from stream_engine.task.ready import HeldBack, ReadyQueue
from stream_engine.task.timers import Timers

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.task.subtask import Subtask


class JobState:
    """The plan, the clock (``now``, ms since the epoch), timers, accumulators, and subtasks by task and index.

    ``ready`` are those that have input, and ``held`` those that hold something back.
    """

    def __init__(self, graph: JobGraph, configuration: Configuration) -> None:
        self.graph = graph
        self.configuration = configuration
        self.accumulators = Accumulators()
        self.timers = Timers()
        self.ready: ReadyQueue[Subtask] = ReadyQueue()
        self.held = HeldBack()
        # Of the subtask that is at work: it is known anyway where the code of a chain runs, so kept for all else only.
        self.index = 0
        self.now = int(time() * 1000)
        self.subtasks: dict[tuple[int, int], Subtask] = {}
