"""The handlers of Python's ``logging`` for ``-v`` and ``--log-file``. Imported only if they are given."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from pyflink_stream import console
from stream_engine.local.coordinator.logs import OWN_HANDLER

_FORMAT = "%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s [%(threadName)s]: %(message)s"


class LogFileError(Exception):
    """The file cannot be written to; the message names it."""


def configure(verbosity: int, file: str | None) -> None:
    """Logs to standard error: warnings, with a ``verbosity`` of 1 what happens, with 2 details; and to ``file``.

    The file is appended to, and gets at least what happens. Raises LogFileError.
    """
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    handlers: list[logging.Handler] = [_handler(_StandardError(), level)]
    if file is not None:
        level = min(level, logging.INFO)
        try:
            handlers.append(_handler(_LogFile(file), level))
        except OSError as error:
            raise LogFileError(f"--log-file {file or repr(file)}: cannot be written to: {error.strerror}") from None
    root = logging.getLogger()
    root.setLevel(level)
    for handler in handlers:
        root.addHandler(handler)


def debug(text: str, *arguments: object) -> None:
    logging.getLogger(__package__).debug(text, *arguments)


def info(text: str) -> None:
    """Logs what the launcher tells of a job."""
    logging.getLogger(__package__).info("%s", text)


class _LogFile(logging.FileHandler):
    def __init__(self, path: str) -> None:
        super().__init__(path, encoding="utf-8")
        self._path = path
        self._failed = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Says once that the file cannot be written to; the job continues."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._failed:
            self._failed = True
            console.warning(
                f"--log-file {self._path}: cannot be written to: {error.strerror}; lines of the log are missing there"
            )


class _StandardError(logging.StreamHandler):
    """Writes to the current ``sys.stderr``, not to that of the time when it was made."""

    @property
    def stream(self) -> TextIO:  # pyright: ignore[reportIncompatibleVariableOverride]
        return sys.stderr

    @stream.setter
    def stream(self, _: object) -> None:
        """Called by the base class."""


def _handler(handler: logging.Handler, level: int) -> logging.Handler:
    handler.set_name(OWN_HANDLER)
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter(_FORMAT, "%H:%M:%S"))
    return handler
