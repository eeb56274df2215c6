"""A thread of a source's that collects records only while its host lets it."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Any, NoReturn

from stream_engine.task.failure import Cancelled
from stream_engine.task.safepoint import SafePoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.task.source_functions import PushingFunction


class SourceThread:
    """Runs a source's ``run``, which pauses in ``collect`` unless the host is in ``let``.

    ``done`` is set at its end, with ``error`` what it raised, or what a record has caused.
    """

    def __init__(self, function: PushingFunction, name: str) -> None:
        self.done = False
        self.error: BaseException | None = None
        self._function = function
        self._thread = Thread(target=self._run, name=name, daemon=True)
        # The two are looked at without a lock: whoever sets its own first, and then looks at the other's, sees it.
        self._allowed = False
        self._inside = False
        self._cancelled = False
        # Whether somebody waits in ``at_rest``.
        self._asked = False
        self._go, self._gone = Event(), Event()
        self._rest = SafePoint(self._in_turn(lambda action: action()))

    def let(self, seconds: float | None) -> None:
        """Lets the thread work for so long, or to its end (None); when this returns it is in the midst of no record."""
        if self.done:
            return
        self._allowed = True
        self._go.set()
        if self._thread.ident is None:
            self._thread.start()
        self._thread.join(seconds)
        self._go.clear()
        self._gone.clear()
        self._allowed = False
        while self._inside and not self.done:
            self._gone.wait(0.1)
            self._gone.clear()

    def at_rest(self, action: Callable[[], None]) -> None:
        """Calls ``action`` when the state of the source says exactly what it has collected; waits for that.

        That is when the source is about to collect, or frees its lock: see SafePoint.
        """
        if self.done or self._thread.ident is None or not self._function.has_state:
            action()
            return
        served = Event()

        def act() -> None:
            self._asked = False
            try:
                action()
            finally:
                self._go.clear()
                served.set()

        self._asked = True
        self._rest.request(act)
        self._go.set()
        while not served.wait(0.05):
            if not self._thread.is_alive():
                self._rest.serve()

    def cancel(self, seconds: float | None) -> None:
        """Asks the source to return, and waits so long for it; what it still collects is dropped."""
        if self._thread.ident is None or self.done:
            return
        self._cancelled = True
        self._go.set()
        try:
            self._function.cancel()
        finally:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._function.run(self._in_turn, self._rest)
        except BaseException as error:
            self._note(error)
        finally:
            self.done = True
            self._gone.set()

    def _note(self, error: BaseException) -> None:
        if self.error is None and not isinstance(error, Cancelled):
            self.error = error

    def _in_turn(self, process: Callable[[Any], None]) -> Callable[[Any], None]:
        def collect(record: Any) -> None:
            if self._inside:
                self._refuse_crowd()
            self._inside = True
            try:
                if not self._allowed and not self._wait():
                    return
                process(record)
            except BaseException as error:
                # The function may catch what its records have caused; the job has failed all the same.
                self._note(error)
                raise
            finally:
                self._inside = False
                if not self._allowed:
                    self._gone.set()

        return collect

    def _wait(self) -> bool:
        """Waits for the host; whether the record is to be processed. Those of a source that was cancelled are not."""
        while not self._allowed and not self._cancelled:
            if self._asked:
                self._rest.serve()
                if self._asked:
                    # The source holds its lock until it has counted this record.
                    return True
                continue
            self._inside = False
            self._gone.set()
            self._go.wait()
            self._inside = True
        return not self._cancelled

    def _refuse_crowd(self) -> NoReturn:
        """A thread of the source's own collects while another is in the middle of that: records would be lost."""
        error = RuntimeError("two threads of the source were in collect() at a time: guard it with a lock")
        self._note(error)
        raise error
