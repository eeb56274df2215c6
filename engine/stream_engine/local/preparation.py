"""Turns a plan into tasks, and checks it: finds all errors that can be found before a record is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.configuration.options import DEFAULT_PARALLELISM, TMP_DIRS
from stream_engine.graph.checks import check_runnable
from stream_engine.graph.job_graph import job_graph
from stream_engine.local.files import check_spill_directory

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamGraph


def runnable(graph: StreamGraph, configuration: Configuration) -> JobGraph:
    """The tasks of the plan. Raises InvalidProgramException for a plan that cannot be run."""
    plan = job_graph(graph, configuration.get(DEFAULT_PARALLELISM))
    check_runnable(plan)
    if plan.loops:
        check_spill_directory(configuration.get(TMP_DIRS))
    return plan
