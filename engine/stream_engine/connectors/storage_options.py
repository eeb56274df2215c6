"""The options of file systems, which hold for a whole process, as in Flink."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.configuration.options import FILE_SYSTEM_TIMEOUT

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration

# Of the file systems of this process, by scheme: the options that they are made with; and how long they are waited for.
_options: dict[str, dict[str, str]] = {}
_timeout = 60.0
_first_timeout = 10.0


def configure(configuration: Configuration, trusting: bool = False) -> None:
    """Sets the options of file systems, ``fs.<scheme>.<option>``, for the whole of this process, as in Flink.

    Where it is ``trusting``, stores have answered another process, and are waited for even if they do not at first.
    """
    global _options, _timeout, _first_timeout
    options: dict[str, dict[str, str]] = {}
    for key, value in configuration.to_dict().items():
        prefix, _, rest = key.partition(".")
        scheme, _, option = rest.partition(".")
        if prefix == "fs" and option:
            options.setdefault(scheme.lower(), {})[option] = value
    # At once: another thread may be about to use a file system.
    _options = options
    _timeout = configuration.get(FILE_SYSTEM_TIMEOUT) / 1000
    _first_timeout = _timeout if trusting else min(_timeout, 10.0)


def options_of(scheme: str) -> dict[str, str]:
    """The options of a scheme as they stand in the configuration."""
    return _options.get(scheme, {})


def timeouts() -> tuple[float, float]:
    """How long to wait for a store that has answered before, and for one that has not, in seconds."""
    return _timeout, _first_timeout
