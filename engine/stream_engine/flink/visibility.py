"""Whether the workers of a cluster can see the paths of a job that this machine sees."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from stream_engine.configuration.options import SHARED_PATHS
from stream_engine.graph.specs import TextFileSink, TextFileSource
from stream_engine.job import ClusterUnusable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph


def check_paths(plan: JobGraph, hosts: Iterable[str], configuration: Configuration) -> None:
    """Raises ClusterUnusable for a path of this machine's that workers on ``hosts`` cannot see.

    They can where they all run here, and below the directories that the user says all machines have.
    """
    others = sorted(host for host in hosts if not is_here(host))
    if not others:
        return
    shared = [os.path.abspath(path) for path in configuration.get(SHARED_PATHS)]
    for task in plan.tasks:
        for node in task.operators:
            if not isinstance(node.operator, TextFileSource | TextFileSink):
                continue
            path = node.operator.path
            if "://" in path and not path.startswith("file://"):
                continue
            real = os.path.abspath(path.removeprefix("file://"))
            if not any(real == each or real.startswith(each.rstrip(os.sep) + os.sep) for each in shared):
                raise ClusterUnusable(
                    f"{node.name!r}, made at {node.location}, is on this machine, which the workers on {others[0]} do "
                    "not see: use storage that all machines have (hdfs://, s3://), or name the directory that all have "
                    f"mounted with -D {SHARED_PATHS.key}=DIR."
                )


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
