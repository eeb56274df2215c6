"""The plan as a tree of text: what happens to a record, read from top to bottom."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stream_engine.graph.job_graph import Link
from stream_engine.graph.render.labels import exchange_label, operator_label, selected_label, task_label
from stream_engine.report import one_line

if TYPE_CHECKING:
    from stream_engine.graph.job_graph import Exchange, JobGraph, Task
    from stream_engine.graph.stream_graph import StreamNode


def to_text(graph: JobGraph, job_name: str, remote: bool = False) -> str:
    """A line for each operator, below those that its records come from.

    A task is written out where it appears first; streams that join it further down only name it.
    """
    tree = _Tree(graph)
    place = f"{_counted(graph.slots, 'slot')} of a Flink cluster" if remote else _counted(graph.slots, "worker")
    lines = [f"{one_line(job_name)}: {_counted(len(graph.tasks), 'task')} on {place}"]
    for task in graph.tasks:
        if all(exchange.feedback for exchange in graph.inputs(task.id)):
            lines += ["", task_label(task), *_indented(tree.task(task), "  ")]
    return "\n".join(lines)


class _Tree:
    def __init__(self, graph: JobGraph) -> None:
        self._graph = graph
        self._written: set[int] = set()

    def task(self, task: Task) -> list[str]:
        self._written.add(task.id)
        return self._chain(task, task.head.id)

    def _chain(self, task: Task, operator: int) -> list[str]:
        """The operator and all after it. A chain goes straight down until it branches."""
        nodes = {node.id: node for node in task.operators}
        lines = [_operator_line(nodes[operator])]
        branches = self._branches(task, operator)
        while len(branches) == 1 and isinstance(branches[0], Link) and branches[0].selected is None:
            lines.append(_operator_line(nodes[branches[0].target]))
            branches = self._branches(task, branches[0].target)
        for position, branch in enumerate(branches):
            first, *others = self._linked(task, branch) if isinstance(branch, Link) else self._sent(branch)
            last = position == len(branches) - 1
            lines += [f"{'└─' if last else '├─'} {first}", *_indented(others, "   " if last else "│  ")]
        return lines

    def _branches(self, task: Task, operator: int) -> list[Link | Exchange]:
        """Where the records of ``operator`` go."""
        links = [link for link in task.links if link.source == operator]
        return [*links, *(exchange for exchange in self._graph.outputs(task.id) if exchange.source == operator)]

    def _linked(self, task: Task, link: Link) -> list[str]:
        first, *others = self._chain(task, link.target)
        return [f"{selected_label(link)} {first}".lstrip(), *others]

    def _sent(self, exchange: Exchange) -> list[str]:
        target = self._graph.tasks[exchange.target_task]
        line = f"{exchange_label(exchange)} → {task_label(target)}"
        if target.id in self._written:
            return [f"{line} (above)"]
        if exchange.feedback:
            return [line]
        return [line, *_indented(self.task(target), "  ")]


def _operator_line(node: StreamNode) -> str:
    where = f"  ({os.path.basename(node.location.file)}:{node.location.line})" if node.location else ""
    return operator_label(node) + where


def _indented(lines: list[str], by: str) -> list[str]:
    return [by + line for line in lines]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
