"""Host and port of a TCP server, in checks and in messages."""

from __future__ import annotations

from errno import ECONNREFUSED
from socket import EAI_NONAME, gaierror


def check_address(host: str, port: int) -> None:
    """Raises ValueError for a host or port that cannot be one."""
    if not host:
        raise ValueError("the host name is empty")
    if not 0 < port < 65536:
        raise ValueError(f"{port} is not a port of {host}: ports are 1 to 65535")


def unreachable(host: str, port: int, error: OSError, attempts: int) -> ConnectionError:
    """The exception for a server that cannot be reached."""
    times = "" if attempts == 1 else f", in {attempts} attempts"
    advice = ""
    if error.errno == ECONNREFUSED:
        advice = "; start the server before the job, or correct the port"
    elif isinstance(error, gaierror) and error.errno == EAI_NONAME:
        advice = "; correct the host"
    return ConnectionError(f"cannot connect to {host}:{port}{times}: {reason(error)}{advice}")


def lost(host: str, port: int, error: OSError, progress: str) -> ConnectionError:
    """The exception for a connection that breaks. ``progress`` says what had happened before."""
    return ConnectionError(f"lost the connection to {host}:{port}: {reason(error)}; {progress}")


def reason(error: OSError) -> str:
    return error.strerror or str(error)
