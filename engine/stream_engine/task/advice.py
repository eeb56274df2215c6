"""Advice on known errors in user functions. It ends the line that says what happened."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

from stream_engine.graph import specs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamNode

# Operators that pass on the records that they get.
_PASSING = (specs.Filter, specs.Split, specs.IterationHead, specs.AssignTimestamps)
# Operators that emit whatever their function returns.
_REDUCING = (specs.Reduce, specs.WindowReduce, specs.PreAggregate)
_RETURNING = (specs.Map, specs.Reduce, specs.WindowReduce)
_SOMETIMES = "; is there a way through it without a return?"

DEBUGGING = "Workers have no terminal for a debugger: run with --local-debug"


class ErrorSite(NamedTuple):
    """Where an error was raised: by operator ``node``, for a call in ``role`` (see Site).

    ``no_record`` and ``no_value`` tell that the record, or the value to reduce it with, is None.
    """

    graph: JobGraph
    node: StreamNode | None = None
    role: str = ""
    no_record: bool = False
    no_value: bool = False


def advice_on(error: BaseException, site: ErrorSite) -> str:
    """What to do, in a sentence without a full stop; empty if nothing is known."""
    if site.node is not None and isinstance(error, Exception):
        if site.no_value and isinstance(site.node.operator, _REDUCING):
            return f"{_call(site.node.operator.function)} returned None for the records before{_SOMETIMES}"
        if site.no_record:
            return _maker_of_none(site.graph, site.node)
    if isinstance(error, ModuleNotFoundError):
        from stream_engine.installation import missing_module

        return missing_module(error)
    if isinstance(error, TypeError):
        if site.role == "hash" and "unhashable" in str(error):
            return "This is a key: keys are compared by value and must not change, so return a tuple or a str"
        if site.role == "time":
            return "The record has no timestamp: call assign_timestamps_and_watermarks() before windows of event time"
    if type(error).__name__ == "BdbQuit":
        return DEBUGGING
    if isinstance(error, SystemExit):
        return "The function called sys.exit, which ends the script only in main"
    if isinstance(error, OSError):
        return _BY_NUMBER.get(error.errno or 0, "")
    return ""


_BY_NUMBER = {
    errno.EADDRINUSE: (
        "Something else has that address, perhaps an earlier run or another instance of this operator: "
        "stop it, or use another port"
    ),
    errno.ECONNREFUSED: "Nothing listens at that address: start the server first, or correct host and port",
}


def _maker_of_none(graph: JobGraph, node: StreamNode) -> str:
    makers = [
        (maker.operator.function, maker.location)
        for maker in _makers(graph, node.id, set())
        if isinstance(maker.operator, _RETURNING)
    ]
    for function, location in makers:
        if function.returns_nothing:
            return f"The record is None: give {_call(function)}, used at {location}, a return"
    for function, location in makers:
        return f"The record is None: {_call(function)}, used at {location}, returned it{_SOMETIMES}"
    return ""


def _makers(graph: JobGraph, operator: int, seen: set[int]) -> Iterator[StreamNode]:
    """The operators that have made the records of ``operator``."""
    nodes = {node.id: node for task in graph.tasks for node in task.operators}
    heads = {task.id: task.head.id for task in graph.tasks}
    inputs = [link.source for task in graph.tasks for link in task.links if link.target == operator]
    inputs += [exchange.source for exchange in graph.exchanges if heads[exchange.target_task] == operator]
    for source in inputs:
        if source not in seen:
            seen.add(source)
            if isinstance(nodes[source].operator, _PASSING):
                yield from _makers(graph, source, seen)
            else:
                yield nodes[source]


def _call(function: UserFunction) -> str:
    return f"{function.label}.{function.method}()" if function.method else function.label
