"""Draws the plan for people and tools, without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream_engine.graph.job_graph import JobGraph

FORMATS = ("text", "json", "dot", "mermaid")


def render(graph: JobGraph, job_name: str, form: str, remote: bool = False) -> str:
    """The plan in one of FORMATS, without a line break at its end; ``remote``: it is to run on a Flink cluster."""
    if form == "text":
        from stream_engine.graph.render.tree import to_text

        return to_text(graph, job_name, remote)
    if form == "json":
        from stream_engine.graph.render.visualizer import to_json

        return to_json(graph)
    if form == "dot":
        from stream_engine.graph.render.dot import to_dot

        return to_dot(graph, job_name)
    if form == "mermaid":
        from stream_engine.graph.render.mermaid import to_mermaid

        return to_mermaid(graph)
    raise ValueError(f"{form!r} is none of the formats of a plan: {', '.join(FORMATS)}")
