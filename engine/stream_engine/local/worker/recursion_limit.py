"""How deep the calls of a worker may go."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream_engine.graph.job_graph import JobGraph

# A chain calls as deep as it is long where functions emit through collectors, and functions of the user's call others.
_FRAMES_PER_OPERATOR = 10
# Beyond this many a thread's stack might not hold what Python allows, and a function that calls itself for ever would
# be a crash.
_MOST_FRAMES = 10_000


def allow_depth_of(graph: JobGraph) -> None:
    """Raises Python's limit, which is meant for a program that calls itself without end, by what the plan needs."""
    frames = _FRAMES_PER_OPERATOR * sum(len(task.operators) for task in graph.tasks)
    sys.setrecursionlimit(sys.getrecursionlimit() + min(frames, _MOST_FRAMES))
