"""The plan in the language of Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.graph.render.labels import exchange_label, operator_label, selected_label, task_label
from stream_engine.report import one_line

if TYPE_CHECKING:
    from stream_engine.graph.job_graph import JobGraph


def to_dot(graph: JobGraph, job_name: str) -> str:
    """A digraph with a box for each operator, and a frame round those of each task."""
    lines = [f"digraph {_quoted(one_line(job_name))} {{", "  rankdir=LR;", "  node [shape=box];"]
    for task in graph.tasks:
        lines += [f"  subgraph cluster_{task.id + 1} {{", f"    label={_quoted(task_label(task))};"]
        lines += [f"    operator_{node.id + 1} [label={_quoted(operator_label(node))}];" for node in task.operators]
        lines += [_edge("    ", link.source, link.target, selected_label(link)) for link in task.links]
        lines.append("  }")
    for exchange in graph.exchanges:
        target = graph.tasks[exchange.target_task].head.id
        style = ", style=dashed, constraint=false" if exchange.feedback else ""
        lines.append(_edge("  ", exchange.source, target, exchange_label(exchange), style))
    return "\n".join([*lines, "}"])


def _edge(indent: str, source: int, target: int, label: str, style: str = "") -> str:
    attributes = f" [label={_quoted(label)}{style}]" if label else ""
    return f"{indent}operator_{source + 1} -> operator_{target + 1}{attributes};"


def _quoted(text: str) -> str:
    # Graphviz reads backslashes as escapes, and character codes as HTML has them.
    for character, escaped in (("\\", "\\\\"), ('"', '\\"'), ("&", "&amp;")):
        text = text.replace(character, escaped)
    return f'"{text}"'
