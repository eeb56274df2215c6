"""A thread of a source's that collects records only while its host lets it."""

from __future__ import annotations

from threading import Event, RLock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn

from stream_engine.task.failure import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.task.source_functions import PushingFunction


class SourceThread:
    """Runs a source's ``run``, which pauses in ``collect`` unless the host is in ``let``.

    ``done`` is set at its end, with ``error`` what it raised, or what a record has caused. With ``keeps_state`` the
    host asks for the state of the source between turns, when it is too late to emit what becomes of a record. So the
    source does not get its lock then, and a turn is over only when it has freed that: see ``settle``.
    """

    def __init__(self, function: PushingFunction, name: str, keeps_state: bool) -> None:
        self.done = False
        self.error: BaseException | None = None
        self._function = function
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._keeps_state = keeps_state
        # Flags are looked at without a lock: whoever sets its own first, and then looks at the other's, sees it.
        self._allowed = False
        self._inside = False
        # Whether the thread holds the lock of the source, not counting its wait for a turn to begin; and whether it
        # may process records until it frees that.
        self._locked = False
        self._settling = False
        # Whether it has ever held that lock.
        self._locks = False
        # Whether it waits for a turn.
        self._waiting = False
        self._cancelled = False
        # Whether records of a source that was cancelled are dropped, so that it comes to its own end.
        self._drops = False
        self._go, self._gone = Event(), Event()

    def let(self, seconds: float | None) -> None:
        """Lets the thread work for so long, or to its end (None); when this returns it is in the midst of no record."""
        if self.done:
            return
        self._allowed = True
        self._go.set()
        if self._thread.ident is None:
            self._thread.start()
        self._thread.join(seconds)
        # First, or the thread would not wait for it yet.
        self._go.clear()
        self._allowed = False
        self._stop()

    def settle(self, seconds: float) -> bool:
        """Lets the thread work until it frees its lock, but for no longer than that; whether it has freed it."""
        if not self._locked or self.done:
            return True
        until = monotonic() + seconds
        self._settling = True
        self._go.set()
        while self._locked and not self.done and (left := until - monotonic()) > 0:
            self._gone.wait(left)
            self._gone.clear()
        self._go.clear()
        self._settling = False
        self._stop()
        return not self._locked or self.done

    def rest(self) -> None:
        """Waits until the state of the source says exactly what it has collected; no record is processed meanwhile.

        That holds when the source is about to collect. It holds whenever it does not have its lock, if it uses that.
        """
        if not self._keeps_state or self._thread.ident is None:
            return
        while not (self._waiting or self._locks or self.done):
            self._gone.wait()
            self._gone.clear()

    def cancel(self, seconds: float) -> None:
        """Asks the source to return, and waits so long for it; what it still collects is dropped.

        One that cannot be asked, or does not return, ends with its next record.
        """
        if self._thread.ident is None or self.done:
            return
        self._drops = self._function.cancels
        self._cancelled = True
        self._go.set()
        try:
            self._function.cancel()
        finally:
            self._thread.join(seconds)
            self._drops = False

    def _stop(self) -> None:
        """Waits until the thread is in the midst of no record."""
        self._gone.clear()
        while self._inside and not self.done:
            self._gone.wait(0.1)
            self._gone.clear()

    # --- in the source's thread --------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._function.run(self._in_turn, SourceLock(self) if self._keeps_state else RLock())
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
        while not self._allowed and not (self._settling and self._locked):
            if self._cancelled:
                return self._drop()
            self._inside = False
            self._pause()
            self._inside = True
        return True

    def _pause(self) -> None:
        self._waiting = True
        self._gone.set()
        self._go.wait()
        self._waiting = False

    def _drop(self) -> bool:
        if self._drops:
            return False
        raise Cancelled

    def _refuse_crowd(self) -> NoReturn:
        """A thread of the source's own collects while another is in the middle of that: records would be lost."""
        error = RuntimeError("two threads of the source were in collect() at a time: guard it with a lock")
        self._note(error)
        raise error

    def lock(self) -> None:
        """The thread has got the lock of the source; this waits for a turn."""
        self._locked = self._locks = True
        while not self._allowed:
            self._locked = False
            if self._cancelled:
                self._drop()
                return
            self._pause()
            self._locked = True

    def free(self) -> None:
        """The thread is about to free the lock."""
        self._locked = False
        if not self._allowed:
            if self._settling:
                # Not left to the host: until that awakes, the thread would not wait for the next turn.
                self._go.clear()
                self._settling = False
            self._gone.set()


class SourceLock:
    """What a source holds while it collects a record and counts it: see SourceContext. It may be taken again inside."""

    def __init__(self, thread: SourceThread) -> None:
        self._lock, self._free = thread.lock, thread.free
        guard = RLock()
        self._acquire, self._release = guard.acquire, guard.release
        self._depth = 0

    def __enter__(self) -> None:
        self._acquire()
        try:
            if not self._depth:
                self._lock()
            self._depth += 1
        except BaseException:
            self._release()
            raise

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._free()
        self._release()
