"""The options of the command line that say where jobs run."""

from __future__ import annotations

import click

from pyflink_stream.configuration import Setting
from stream_engine.configuration.options import ATTACHED, CLUSTER_ADDRESS, REST_PORT, TARGET

# As users say it, and as the configuration has it.
TARGETS = {"local": "local", "flink": "remote"}


def cluster_settings(target: str | None, jobmanager: str | None, detached: bool) -> list[Setting]:
    """The settings that ``--target``, ``-m`` and ``--detached`` stand for. Raises UsageError."""
    if target == "local":
        if jobmanager is not None:
            raise click.UsageError("--target local runs jobs here, but -m names a Flink cluster: give one of them")
        if detached:
            raise click.UsageError("--detached is for jobs on a Flink cluster: --target local runs them here")
        return [Setting(TARGET.key, "local", "--target")]
    leaving = [Setting(ATTACHED.key, "false", "--detached")] if detached else []
    if target is None and jobmanager is None:
        return leaving
    settings = [Setting(TARGET.key, "remote", "--target" if target else "-m")]
    if jobmanager is not None:
        host, colon, port = jobmanager.removeprefix("http://").rstrip("/").rpartition(":")
        if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise click.UsageError(f"-m {jobmanager}: give HOST:PORT, the address of the cluster's web page")
        settings += [Setting(CLUSTER_ADDRESS.key, host.strip("[]"), "-m"), Setting(REST_PORT.key, port, "-m")]
    return [*settings, *leaving]
