"""Hands log records of workers to the handlers of the script's process."""

from __future__ import annotations

import pickle
import sys

from stream_engine.local.output import write_error

_WARNING = 30
OWN_HANDLER = "pyflink-stream"
"""The name of the handlers of -v and --log-file: they also get records that others have handled in a worker."""


def levels() -> dict[str, int] | None:
    """The levels of the loggers that have one, the root's under the empty name; None if nothing was configured."""
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
    """Hands a worker's record to the handlers of its logger; if there are none, warnings go to standard error."""
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
