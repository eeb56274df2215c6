"""What is served about running jobs: metrics for Prometheus, and a page for people."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pyflink_stream import console
from stream_engine.configuration.options import METRICS_HOST, METRICS_PORT, REST_ADDRESS, REST_PORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflink_stream.web.response import Site
    from pyflink_stream.web.server import Server
    from pyflink_stream.web.site import JobSite
    from stream_engine.configuration import Configuration
    from stream_engine.configuration.options import ConfigOption
    from stream_engine.status import Observer

_LOOPBACK = "127.0.0.1"
# Ports that --ui tries when none is configured: that of Flink's page, the next ones, or any.
_UI_PORTS = (*range(8081, 8091), 0)
# Seconds that the end of the process may wait for an open page, which asks once a second, on a busy machine later.
_FAREWELL = 3.0


class CannotServe(Exception):
    """The metrics or the page cannot be served; the message says what to do."""


class Served:
    """The servers, which run until the process ends, and the ``observers`` that watch the jobs for them."""

    def __init__(self) -> None:
        self.observers: list[Observer] = []
        self.page: tuple[JobSite, Server] | None = None

    def see_out(self) -> None:
        """Called when all jobs have ended: lets an open page learn how."""
        if self.page is not None:
            site, server = self.page
            site.see_out(_FAREWELL)
            server.finish(_FAREWELL)


def serve(configuration: Configuration, ui: bool, opens: bool = True) -> Served:
    """Serves what the configuration asks for; with ``ui`` always the page, which a browser then ``opens``.

    Raises CannotServe.
    """
    served = Served()
    if configuration.get(METRICS_PORT):
        from importlib.util import find_spec

        from pyflink_stream.web.prometheus import Metrics

        if find_spec("prometheus_client") is None:
            from stream_engine.installation import extra

            raise CannotServe(f"{METRICS_PORT.key}: metrics for Prometheus need a package: {extra('metrics')}")
        metrics = Metrics()
        ports = configuration.get(METRICS_PORT)
        server = _server(metrics, configuration.get(METRICS_HOST), ports, METRICS_PORT)
        served.observers.append(metrics)
        if not _is_foreseen(ports):
            console.plain(f"Metrics are served at {server.address}metrics")
    ports = configuration.get(REST_PORT) or (_UI_PORTS if ui else ())
    if ports:
        from pyflink_stream.web.site import JobSite

        site = JobSite()
        server = _server(site, configuration.get(REST_ADDRESS), ports, REST_PORT)
        served.page = (site, server)
        served.observers.append(site)
        if ui or not _is_foreseen(ports):
            console.plain(f"Jobs are shown at {server.address}")
        if ui and opens:
            _open(server.address)
    return served


def _is_foreseen(ports: Sequence[int]) -> bool:
    """Whether people know in advance which port is taken."""
    return len(ports) == 1 and ports[0] != 0


def _server(site: Site, address: str, ports: Sequence[int], option: ConfigOption[tuple[int, ...]]) -> Server:
    from pyflink_stream.web.server import Server

    try:
        # An empty address would mean all addresses of this machine.
        return Server(site, address or _LOOPBACK, ports)
    except OSError as error:
        named = f"port {ports[0]}" if len(ports) == 1 else f"none of the ports {ports[0]} to {ports[-1]}"
        cannot = "cannot" if len(ports) == 1 else "can"
        reason = error.strerror or error
        raise CannotServe(f"{option.key}: {named} of {address} {cannot} be used: {reason}") from None


def _open(address: str) -> None:
    # Without a screen, a browser for terminals would open in the middle of the job's output.
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        import webbrowser

        webbrowser.open(address)
