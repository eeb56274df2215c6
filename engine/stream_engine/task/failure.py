"""Describes a failure in a worker in the user's terms: their line, the operator, the subtask, the record."""

from __future__ import annotations

import pickle
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING, NamedTuple

from stream_engine.failures import causes
from stream_engine.failures.failure import Failure, Raised, RemoteException
from stream_engine.failures.remote_exception import taken_down
from stream_engine.operators.code import is_generated, site_of
from stream_engine.operators.snapshot import StateError
from stream_engine.report import behind, frames, full_text, one_line, raised, shortened
from stream_engine.task.advice import ErrorSite, advice_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamNode
    from stream_engine.operators.code import Site


class Cancelled(BaseException):
    """Unwinds a worker's stack when its job is stopped; not an Exception, so that no user code swallows it."""


class OperatorError(Exception):
    """Says which operator raised an exception, its ``__cause__``, outside of the processing of a record.


    ``record`` is what was to become a record, if anything.
    """

    def __init__(self, operator: int, phase: str, record: object = ...) -> None:
        super().__init__(operator, phase)
        self.operator = operator
        self.phase = phase
        self.record = record

    @classmethod
    @contextmanager
    def around(cls, operator: int, phase: str) -> Iterator[None]:
        """Turns an exception that is raised inside into the cause of an OperatorError."""
        try:
            yield
        except (OperatorError, Cancelled):
            raise
        except BaseException as error:
            raise cls(operator, phase) from error


# Memory that is released when none is left. Nothing is written there, so until then it costs only addresses.
_RESERVE = [bytes(4 * 1024 * 1024)]
# Made in advance, for when no object can be made any more.
_OUT_OF_MEMORY = pickle.dumps(Failure(Raised("MemoryError: a worker has no memory left, not even to say where")))
# How long the user's own code may take to describe its exception, in seconds.
_PATIENCE = 5.0


def send_failure(error: BaseException, graph: JobGraph, index: int, send: Callable[[bytes], None]) -> None:
    """Sends the pickle of what ``describe`` returns; of less, if there is no memory left for that.

    If the user's code takes long to give its text, a failure without it is sent first, and one with it if it comes
    after all: whoever receives both has to take the first.
    """
    seen: set[int] = set()
    while issubclass(type(error), MemoryError) and id(error) not in seen:
        seen.add(id(error))
        context = causes.context_of(error)
        if context is not None and issubclass(type(context), MemoryError | OperatorError):
            # Memory has run out: there is nothing better than another exception of the kind.
            error = context
    known = _Known(send)
    for _ in range(2):
        try:
            describe(error, graph, index, known.update)
            break
        except MemoryError:
            _RESERVE.clear()
            # A variable of one of the functions that have failed most likely holds what has used it up.
            _forget_variables(error)
        except BaseException:
            break
    known.send()


class _Known:
    """What is known of a failure; sent when it is complete, or when the time for that is over."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._packed = _OUT_OF_MEMORY
        self._timer = Timer(_PATIENCE, self.send)
        self._timer.daemon = True
        try:
            self._timer.start()
        except (RuntimeError, MemoryError):
            return  # The process cannot start another thread.

    def update(self, failure: Failure) -> None:
        self._packed = pickle.dumps(failure)

    def send(self) -> None:
        self._timer.cancel()
        self._send(self._packed)


def _forget_variables(error: BaseException) -> None:
    for each in (error, *causes.behind(error)):
        traceback = causes.traceback_of(each)
        while traceback is not None:
            try:
                traceback.tb_frame.clear()
            except RuntimeError:
                pass  # It is still running: a frame of ours.
            traceback = traceback.tb_next


def describe(
    error: BaseException, graph: JobGraph, index: int, on_known: Callable[[Failure], None] | None = None
) -> Failure:
    """The failure of worker ``index``, which runs the subtasks of that index.

    ``on_known`` gets the failure as far as it is known before any code of the user is called, which may not return;
    then with the text of the exception; and at last the complete failure.
    """
    evidence = _evidence(error, graph, index)
    failure, error = evidence.failure, evidence.error
    tell = on_known or (lambda failure: None)
    tell(failure)
    what = raised(error)
    failure = failure._replace(raised=what, exception=_plain(what.what))
    tell(failure)
    failure = failure._replace(
        advice=_advice(evidence, graph),
        record=None if failure.record is None else shortened(evidence.record),
        behind=behind(error),
        full=_full(evidence.whole),
        exception=_taken_down(error) or failure.exception,
    )
    tell(failure)
    return failure


def _full(error: BaseException) -> str:
    try:
        return full_text(error)
    except BaseException as inner:
        # The error may have code of its own where Python looks for plain attributes.
        return f"The traceback cannot be shown: {type(inner).__name__}"


class _Evidence(NamedTuple):
    """What is known of a failure without running any code of the user, and what such code still has to tell."""

    failure: Failure
    whole: BaseException
    error: BaseException
    node: StreamNode | None
    site: Site | None
    record: object
    value: object


def _evidence(whole: BaseException, graph: JobGraph, index: int) -> _Evidence:
    error, site, phase = whole, None, ""
    record = value = ...
    operator: int | None = None
    if type(error) is OperatorError and (cause := causes.cause_of(error)) is not None:
        operator, phase, record = error.operator, f"while it was {error.phase}", error.record
        error = cause
    traceback = causes.traceback_of(error)
    while traceback is not None:
        frame = traceback.tb_frame
        if is_generated(frame.f_code):
            site = site_of(frame.f_code, traceback.tb_lineno)
            record, value = (frame.f_locals.get(name or "", ...) for name in (site.record, site.value))
        traceback = traceback.tb_next
    if site is not None:
        # It says more than the phase that the operator was in.
        operator, phase = site.operator, ""
    has_record = site is not None and site.record is not None
    what = f"{type(error).__name__}, whose message did not come in time"
    failure = Failure(
        Raised(what, frames=frames(causes.traceback_of(error))),
        record=f"<{type(record).__name__}>" if has_record or record is not ... else None,
        exception=_plain(what),
        final=_is_final(error),
    )
    node = _node(graph, operator)
    if node is not None:
        task = next(task for task in graph.tasks if node in task.operators)
        failure = failure._replace(
            operator=one_line(node.name),
            task=task.id,
            subtask=index + 1,
            parallelism=task.parallelism,
            location=node.location or "",
            phase=phase,
        )
    return _Evidence(failure, whole, error, node, site, record, value)


def _advice(evidence: _Evidence, graph: JobGraph) -> str:
    role = evidence.site.role if evidence.site else ""
    try:
        return advice_on(
            evidence.error, ErrorSite(graph, evidence.node, role, evidence.record is None, evidence.value is None)
        )
    except BaseException:
        # As ``_full`` has it.
        return ""


def _taken_down(error: BaseException) -> RemoteException | None:
    try:
        return taken_down(error, shortened)
    except BaseException:
        return None


def _plain(what: str) -> RemoteException:
    """An exception that only has the class name and text of another one."""
    return RemoteException((("builtins", "RuntimeError"),), "RuntimeError", (what,), {})


def _is_final(error: BaseException) -> bool:
    from stream_engine.checkpoints.owner_only import StorageError

    return issubclass(type(error), StateError | StorageError)


def _node(graph: JobGraph, operator: int | None) -> StreamNode | None:
    return next((node for task in graph.tasks for node in task.operators if node.id == operator), None)
