"""Sets Python's recursion limit in a worker, by the length of its chains."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream_engine.graph.job_graph import JobGraph

# Where functions emit through collectors, a chain calls as deep as it is long; and user functions call others.
_FRAMES_PER_OPERATOR = 10
# With a higher limit a thread's stack might overflow first: a function that calls itself without end would then crash
# the process.
_MOST_FRAMES = 10_000


def allow_depth_of(graph: JobGraph) -> None:
    """Raises the limit, which should only stop a function that calls itself without end, by what the plan needs."""
    frames = _FRAMES_PER_OPERATOR * sum(len(task.operators) for task in graph.tasks)
    sys.setrecursionlimit(sys.getrecursionlimit() + min(frames, _MOST_FRAMES))
