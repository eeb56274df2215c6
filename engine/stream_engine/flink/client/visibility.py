"""Whether the workers of a cluster can see the paths of a job that this machine sees."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from stream_engine.configuration.options import (
    CHECKPOINT_DIRECTORY,
    CHECKPOINT_INTERVAL,
    SAVEPOINT_DIRECTORY,
    SAVEPOINT_PATH,
    SHARED_PATHS,
)
from stream_engine.graph.specs import TextFileSink, TextFileSource
from stream_engine.job import ClusterUnusable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph


def workers_elsewhere(hosts: Iterable[str], grows: bool) -> str | None:
    """Which workers do not see the paths of this machine, in words; None: all of them do, as they run here.

    ``hosts`` are those of the workers that there are. If the cluster ``grows``, others come, on machines that nobody
    knows yet.
    """
    others = sorted(host for host in hosts if not is_here(host))
    if others:
        return f"the workers on {others[0]} do"
    return "a worker that the cluster starts for it may" if grows else None


def check_paths(plan: JobGraph, elsewhere: str | None, configuration: Configuration) -> None:
    """Raises ClusterUnusable for a path of this machine's that ``elsewhere`` (see workers_elsewhere) cannot see.

    All see what is below the directories that the user says all machines have.
    """
    if elsewhere is None:
        return
    shared = [os.path.abspath(path) for path in configuration.get(SHARED_PATHS)]
    for what, path in _paths(plan, configuration):
        if "://" in path and not path.startswith("file://"):
            continue
        real = os.path.abspath(path.removeprefix("file:").removeprefix("//"))
        if not any(real == each or real.startswith(each.rstrip(os.sep) + os.sep) for each in shared):
            raise ClusterUnusable(
                f"{what}, is on this machine, which {elsewhere} not see: use storage that all machines have (hdfs://, "
                f"s3://), or name the directory that all have mounted with -D {SHARED_PATHS.key}=DIR."
            )


def _paths(plan: JobGraph, configuration: Configuration) -> Iterator[tuple[str, str]]:
    """What of a job is at which path."""
    for task in plan.tasks:
        for node in task.operators:
            if isinstance(node.operator, TextFileSource | TextFileSink):
                yield f"{node.name!r}, made at {node.location}", node.operator.path
    options = [SAVEPOINT_DIRECTORY, SAVEPOINT_PATH]
    if configuration.get(CHECKPOINT_INTERVAL):
        options.append(CHECKPOINT_DIRECTORY)
    for option in options:
        if place := configuration.get(option):
            yield f"{place!r}, which {option.key} names", place


def is_here(host: str) -> bool:
    """Whether ``host`` is a name or an address of this machine."""
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    for address in addresses:
        family = socket.AF_INET6 if ":" in str(address) else socket.AF_INET
        try:
            # Only an address of this machine can be listened on.
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.bind((address, 0))
        except OSError:
            return False
    return bool(addresses)
