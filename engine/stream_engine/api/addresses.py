"""Addresses of TCP servers."""

from __future__ import annotations

from stream_engine.api.capture.snapshot import refuse


def check_address(host: object, port: object) -> None:
    """Raises InvalidProgramException for what cannot be connected to."""
    if not isinstance(host, str) or not host:
        refuse(f"A host is a name or an address as str, not {host!r}.")
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        refuse(f"A port is a whole number from 1 to 65535, not {port!r}.")
