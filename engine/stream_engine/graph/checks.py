"""Finds what is wrong with a plan although each call that built it was valid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.graph import specs
from stream_engine.job import InvalidProgramException

if TYPE_CHECKING:
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamNode

_INDIVISIBLE = (specs.CollectionSource, specs.ClientSource, specs.SocketTextSource)


def check_runnable(graph: JobGraph) -> None:
    """Raises InvalidProgramException for a plan with an operator that cannot be run as the script wants it."""
    for task in graph.tasks:
        for node in task.operators:
            _check_lateness(node)
        if isinstance(task.head.operator, _INDIVISIBLE) and task.parallelism > 1:
            raise InvalidProgramException(
                f"The source {task.head.name!r}, made at {task.head.location}, cannot be divided: "
                f"its parallelism must be 1, not {task.parallelism}."
            )


def _check_lateness(node: StreamNode) -> None:
    operator = node.operator
    if not isinstance(operator, specs.WindowReduce | specs.WindowApply) or not (
        operator.lateness or operator.late_output
    ):
        return
    if not isinstance(operator.windows, specs.TimeWindows) or not operator.windows.event_time:
        raise InvalidProgramException(
            f"{node.name!r}, made at {node.location}: only windows of event time can have late records."
        )
