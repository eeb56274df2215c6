"""Logging: what the engine logs, and how records of workers come to the script's process, which handles them.

Nothing here imports ``logging`` before somebody else has: most jobs log nothing.
"""

from __future__ import annotations

import pickle
import sys
from typing import TYPE_CHECKING, Any

from stream_engine.local.output import write_error

if TYPE_CHECKING:
    from stream_engine.local.worker.process import Worker

_WARNING = 30
_LOGGER = "stream_engine"
OWN_HANDLER = "pyflink-stream"
"""The name of handlers that the command's options ask for: they get what others have handled in a worker, too."""


def info(text: str, *arguments: Any) -> None:
    """Logs what happens once in a job, or for each of its tasks."""
    if "logging" in sys.modules:
        sys.modules["logging"].getLogger(_LOGGER).info(text, *arguments)


def debug(text: str, *arguments: Any) -> None:
    """Logs what happens for each worker or subtask."""
    if "logging" in sys.modules:
        sys.modules["logging"].getLogger(_LOGGER).debug(text, *arguments)


# --- a worker --------------------------------------------------------------------------------------------------------


def forward(worker: Worker, levels: dict[str, int] | None) -> None:
    """Sends what is logged from now on to the script's process, in which loggers have these ``levels``.

    Where nothing was configured, neither there (None) nor here, that is what Python would write to standard error.
    """
    if levels is not None:
        from stream_engine.local.worker.log_forwarder import forward_all

        forward_all(worker, levels)
    elif "logging" in sys.modules and not sys.modules["logging"].getLogger().handlers:
        sys.modules["logging"].getLogger().handlers.append(_Unused(worker))


class _Unused:
    """A handler of warnings that is replaced by a Forwarder, which would take longer to make, by the first of them."""

    level = _WARNING

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def handle(self, record: Any) -> None:
        import logging

        from stream_engine.local.worker.log_forwarder import Forwarder

        forwarder = Forwarder(self._worker)
        forwarder.setLevel(self.level)
        handlers: list[Any] = logging.getLogger().handlers
        handlers[:] = [forwarder if handler is self else handler for handler in handlers]
        forwarder.handle(record)

    def close(self) -> None:
        """Called by a ``basicConfig`` that is forced."""


# --- the script's process --------------------------------------------------------------------------------------------


def levels() -> dict[str, int] | None:
    """The levels of the loggers that have one, the root's under the empty name; None when nothing was configured."""
    logging = sys.modules.get("logging")
    if logging is None:
        return None
    root = logging.getLogger()
    loggers = root.manager.loggerDict.items()
    named = {name: logger.level for name, logger in loggers if getattr(logger, "level", logging.NOTSET)}
    if not named and not root.handlers and root.level == logging.WARNING:
        return None
    return {"": root.level, **named}


def handle(payload: bytes) -> None:
    """Hands a worker's record to the handlers of its logger; where there are none, warnings go to standard error."""
    import logging

    state, handled = pickle.loads(payload)
    record = logging.makeLogRecord(state)
    logger = logging.getLogger(record.name)
    if not logger.isEnabledFor(record.levelno):
        return
    if handled:
        for handler in logging.getLogger().handlers:
            if handler.name == OWN_HANDLER and record.levelno >= handler.level:
                handler.handle(record)
    elif logger.hasHandlers():
        logger.handle(record)
    elif record.levelno >= _WARNING:
        line = logging.Formatter("%(levelname)s %(name)s [%(threadName)s]: %(message)s").format(record)
        write_error(f"{line}\n".encode("utf-8", "surrogateescape"))
