"""What went wrong in a worker, told in the user's terms: their line, the operator, the subtask, the record."""

from __future__ import annotations

import pickle
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING, NamedTuple

from stream_engine.failures import causes
from stream_engine.failures.failure import Failure, Raised, RemoteException
from stream_engine.failures.remote_exception import taken_down
from stream_engine.operators.code import is_generated, site_of
from stream_engine.operators.inlining.frames import show_inlined
from stream_engine.operators.snapshot import StateError
from stream_engine.report import behind, frames, one_line, raised, shortened
from stream_engine.task.advice import ErrorSite, advice_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.graph.stream_graph import StreamNode
    from stream_engine.operators.code import Site


class Cancelled(BaseException):
    """Unwinds a worker's stack when its job is stopped; not an Exception, so that no user code swallows it."""


class OperatorError(Exception):
    """Says which operator an exception, its ``__cause__``, came from when no record was under way."""

    def __init__(self, operator: int, phase: str) -> None:
        super().__init__(operator, phase)
        self.operator = operator
        self.phase = phase

    @classmethod
    @contextmanager
    def around(cls, operator: int, phase: str) -> Iterator[None]:
        """What is raised within becomes the cause of an OperatorError."""
        try:
            yield
        except (OperatorError, Cancelled):
            raise
        except BaseException as error:
            raise cls(operator, phase) from error


# Memory that is given up when there is none left. Nothing is written there, so it is a number and no more until then.
_RESERVE = [bytes(4 * 1024 * 1024)]
# Made in advance, for when nothing can be made any more.
_OUT_OF_MEMORY = pickle.dumps(Failure(Raised("MemoryError: a worker has no memory left, not even to say where")))
# How long the user's own code may take to say what has failed, in seconds.
_PATIENCE = 5.0


def send_failure(error: BaseException, graph: JobGraph, index: int, send: Callable[[bytes], None]) -> None:
    """Sends the pickle of what ``describe`` gives; of less, when there is no memory left for that.

    Where a text of the user's is long in coming, what is known without it is sent before, and again with it, should it
    come after all: who gets both has to take the first.
    """
    seen: set[int] = set()
    while issubclass(type(error), MemoryError) and id(error) not in seen:
        seen.add(id(error))
        context = causes.context_of(error)
        if context is not None and issubclass(type(context), MemoryError | OperatorError):
            # Memory was out, and so no better was to be had than another one of the kind.
            error = context
    known = _Known(send)
    for _ in range(2):
        try:
            describe(error, graph, index, known.update)
            break
        except MemoryError:
            _RESERVE.clear()
            # What has taken it all is most likely in a variable of one of the functions that have failed.
            _forget_variables(error)
        except BaseException:
            break
    known.send()


class _Known:
    """What is known of a failure, to be sent when it is all there, or when its time is over."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._packed = _OUT_OF_MEMORY
        self._timer = Timer(_PATIENCE, self.send)
        self._timer.daemon = True
        try:
            self._timer.start()
        except (RuntimeError, MemoryError):
            return  # There is not enough of something for one more thread.

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
                pass  # It is still being executed: one of ours.
            traceback = traceback.tb_next


def describe(
    error: BaseException, graph: JobGraph, index: int, on_known: Callable[[Failure], None] | None = None
) -> Failure:
    """The failure of worker ``index``, which runs the subtasks of that index.

    ``on_known`` gets the failure as far as it is known before any of the user's code is called, which may not return;
    then with the text of the exception; and at last all of it.
    """
    scene = _scene(error, graph, index)
    failure, error = scene.failure, scene.error
    tell = on_known or (lambda failure: None)
    tell(failure)
    what = raised(error)
    failure = failure._replace(raised=what, exception=_plain(what.what))
    tell(failure)
    failure = failure._replace(
        advice=_advice(scene, graph),
        record=None if failure.record is None else shortened(scene.record),
        behind=behind(error),
        full=_full(scene.whole),
        exception=_taken_down(error) or failure.exception,
    )
    tell(failure)
    return failure


def _full(error: BaseException) -> str:
    from traceback import format_exception

    try:
        return "".join(format_exception(error))
    except BaseException as inner:
        # Of an error that has code of its own where Python looks for plain attributes.
        return f"The traceback cannot be shown: {type(inner).__name__}"


class _Scene(NamedTuple):
    """What is known of a failure without asking anything of the user's, and what is to be asked."""

    failure: Failure
    whole: BaseException
    error: BaseException
    node: StreamNode | None
    site: Site | None
    record: object
    value: object


def _scene(whole: BaseException, graph: JobGraph, index: int) -> _Scene:
    error, site, phase = whole, None, ""
    record = value = ...
    operator: int | None = None
    if type(error) is OperatorError and (cause := causes.cause_of(error)) is not None:
        operator, phase = error.operator, f"while it was {error.phase}"
        error = cause
    show_inlined(error)
    traceback = causes.traceback_of(error)
    while traceback is not None:
        frame = traceback.tb_frame
        if is_generated(frame.f_code):
            site = site_of(frame.f_code, traceback.tb_lineno)
            record, value = (frame.f_locals.get(name or "", ...) for name in (site.record, site.value))
        traceback = traceback.tb_next
    if site is not None:
        # Nearer to what happened than the phase that the operator was in.
        operator, phase = site.operator, ""
    what = f"{type(error).__name__}, whose text was waited for in vain"
    failure = Failure(
        Raised(what, frames=frames(causes.traceback_of(error))),
        record=f"<{type(record).__name__}>" if site is not None and site.record is not None else None,
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
    return _Scene(failure, whole, error, node, site, record, value)


def _advice(scene: _Scene, graph: JobGraph) -> str:
    role = scene.site.role if scene.site else ""
    try:
        return advice_on(scene.error, ErrorSite(graph, scene.node, role, scene.record is None, scene.value is None))
    except BaseException:
        # As ``_full`` has it.
        return ""


def _taken_down(error: BaseException) -> RemoteException | None:
    try:
        return taken_down(error, shortened)
    except BaseException:
        return None


def _plain(what: str) -> RemoteException:
    """An exception that says what another one was."""
    return RemoteException((("builtins", "RuntimeError"),), "RuntimeError", (what,), {})


def _is_final(error: BaseException) -> bool:
    from stream_engine.checkpoints.owner_only import StorageError

    return issubclass(type(error), StateError | StorageError)


def _node(graph: JobGraph, operator: int | None) -> StreamNode | None:
    return next((node for task in graph.tasks for node in task.operators if node.id == operator), None)
