"""The plan as a Mermaid flowchart, which many wikis and code hosts draw in their pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stream_engine.graph.render.labels import exchange_label, operator_label, selected_label, task_label

if TYPE_CHECKING:
    from stream_engine.graph.job_graph import JobGraph

# What would end a label, or be taken for markup in it; as Mermaid's own character codes.
_CODES = str.maketrans({character: f"#{ord(character)};" for character in '"#&<>`\\'})


def to_mermaid(graph: JobGraph) -> str:
    """A box for each operator, and a frame round those of each task."""
    lines = ["flowchart LR"]
    for task in graph.tasks:
        lines.append(f"  subgraph task_{task.id + 1}[{_quoted(task_label(task))}]")
        lines += [f"    operator_{node.id + 1}[{_quoted(operator_label(node))}]" for node in task.operators]
        lines += [_edge("    ", "-->", link.source, link.target, selected_label(link)) for link in task.links]
        lines.append("  end")
    for exchange in graph.exchanges:
        target = graph.tasks[exchange.target_task].head.id
        arrow = "-.->" if exchange.feedback else "==>"
        lines.append(_edge("  ", arrow, exchange.source, target, exchange_label(exchange)))
    return "\n".join(lines)


def _edge(indent: str, arrow: str, source: int, target: int, label: str) -> str:
    text = f"|{_quoted(label)}|" if label else ""
    return f"{indent}operator_{source + 1} {arrow}{text} operator_{target + 1}"


def _quoted(text: str) -> str:
    # "1. Parse" would be the beginning of a list, which labels cannot have.
    return '"' + re.sub(r"^(\d+)\.", r"\1#46;", text.translate(_CODES)) + '"'
