"""Sends log records of a worker to the script's process. Imported with the first of them."""

from __future__ import annotations

import logging
import pickle
import sys
from typing import TYPE_CHECKING, Any, Protocol

from stream_engine.failures.plain_data import PlainData
from stream_engine.local.worker.console import wait_for_reader
from stream_engine.local.worker.push_source import PushSource
from stream_engine.operators.code import is_generated, site_of
from stream_engine.operators.operator import Operator
from stream_engine.report import shortened
from stream_engine.task.subtask import Subtask
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.wire.connection import Connection


class Speaker(Protocol):
    """The worker whose log records these are."""

    index: int
    graph: JobGraph

    @property
    def control(self) -> Connection: ...


class Forwarder(logging.Handler):
    """Sends log records, with the subtask as the name of their thread: Flink names its threads so."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__()
        self._speaker = speaker

    def emit(self, record: logging.LogRecord) -> None:
        state = dict(record.__dict__)
        state.update(
            msg=record.getMessage(),
            args=None,
            exc_info=None,
            exc_text=logging.Formatter().formatException(record.exc_info) if record.exc_info else record.exc_text,
            threadName=_subtask(self._speaker),
        )
        handled = any(handler is not self for handler in _handlers(record.name))
        self._speaker.control.send(Kind.LOG, 0, _packed(state, handled))
        wait_for_reader(self._speaker.control)


def forward_all(speaker: Speaker, levels: dict[str, int]) -> None:
    """Sends all that is logged from now on at these levels of loggers.

    The root logger has a handler then, so that a ``basicConfig`` in a module of the script, which has had its effect in
    the script's process, does nothing here.
    """
    logging.getLogger().addHandler(Forwarder(speaker))
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _handlers(name: str) -> Iterator[logging.Handler]:
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None:
        yield from logger.handlers
        logger = logger.parent if logger.propagate else None


def _packed(state: dict[str, Any], handled: bool) -> bytes:
    """The script's process runs nothing of what is in ``extra``: it gets the repr of an object."""
    return pickle.dumps((PlainData(shortened).of(state), handled))


def _subtask(speaker: Speaker) -> str:
    """The subtask whose code logs in this thread, as the engine's frames tell."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        operator = _operator(frame)
        for task in speaker.graph.tasks:
            for node in task.operators:
                if node.id == operator:
                    return f"{node.name} ({speaker.index + 1}/{task.parallelism})"
        frame = frame.f_back
    return f"worker {speaker.index + 1}"


def _operator(frame: FrameType) -> int | None:
    if is_generated(frame.f_code):
        return site_of(frame.f_code, frame.f_lineno).operator
    if str(frame.f_globals.get("__name__")).startswith("stream_engine."):
        owner = frame.f_locals.get("self")
        if isinstance(owner, Operator):
            return owner.id
        if isinstance(owner, Subtask):
            return owner.task.head.id
        if isinstance(owner, PushSource):
            return owner.subtask.task.head.id
    return None
