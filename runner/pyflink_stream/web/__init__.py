"""What is served about running jobs: metrics for Prometheus, and a page for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.configuration.options import METRICS_HOST, METRICS_PORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflink_stream.web.server import Server, Site
    from stream_engine.configuration import Configuration
    from stream_engine.configuration.options import ConfigOption
    from stream_engine.status import Observer


class CannotServe(Exception):
    """What was asked for cannot be served; the message says what to do."""


def observers(configuration: Configuration) -> list[Observer]:
    """Serves what the configuration asks for, until the process ends; gives what watches the jobs for it.

    Raises CannotServe.
    """
    found: list[Observer] = []
    if configuration.get(METRICS_PORT):
        try:
            from pyflink_stream.web.prometheus import Metrics

            metrics = Metrics()
        except ImportError:
            needed = "metrics for Prometheus need a package: pip install 'pyflink-stream[metrics]'"
            raise CannotServe(f"{METRICS_PORT.key}: {needed}") from None
        _serve(metrics, configuration, METRICS_HOST, METRICS_PORT)
        found.append(metrics)
    return found


def _serve(
    site: Site, configuration: Configuration, host: ConfigOption[str], port: ConfigOption[tuple[int, ...]]
) -> Server:
    from pyflink_stream.web.server import Server

    address, ports = configuration.get(host), configuration.get(port)
    try:
        return Server(site, address, ports)
    except OSError as error:
        what = f"port {_named(ports)} of {address} cannot be used: {error.strerror or error}"
        raise CannotServe(f"{port.key}: {what}") from None


def _named(ports: Sequence[int]) -> str:
    return f"{ports[0]}" if len(ports) == 1 else f"{ports[0]} to {ports[-1]}"
