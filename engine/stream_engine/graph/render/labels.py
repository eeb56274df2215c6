"""The labels of the parts of a plan. Tasks are counted from 1, as in reports and Flink's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.graph.partitioners import ship_strategy
from stream_engine.report import one_line

if TYPE_CHECKING:
    from stream_engine.graph.job_graph import Exchange, Link, Task
    from stream_engine.graph.stream_graph import StreamNode


def task_label(task: Task) -> str:
    return f"Task {task.id + 1}, parallelism {task.parallelism}"


def operator_label(node: StreamNode) -> str:
    return one_line(node.name)


def exchange_label(exchange: Exchange) -> str:
    """For example ``HASH``, ``REBALANCE [even, odd]``, ``feedback FORWARD``."""
    feedback = "feedback " if exchange.feedback else ""
    return f"{feedback}{ship_strategy(exchange.partitioner)} {selected_label(exchange)}".rstrip()


def selected_label(stream: Link | Exchange) -> str:
    """The names that a stream selects, in brackets; empty where it takes all records."""
    return "" if stream.selected is None else f"[{', '.join(map(one_line, stream.selected))}]"
