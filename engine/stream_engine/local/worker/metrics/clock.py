"""Measures how the time of a worker divides among its subtasks.

One thread does the work of all subtasks in turn, so the clock works like a chess clock, switched between batches. If a
task hands records to another one by one, in the middle of a batch, reading a clock for each would cost more than most
functions: some of these calls are timed instead, and the others are assumed to take as long.
"""

from __future__ import annotations

from functools import partial
from threading import Lock, get_ident
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

try:
    from time import clock_gettime_ns, pthread_getcpuclockid
except ImportError:  # macOS has no clock of another thread.
    pthread_getcpuclockid = clock_gettime_ns = None

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stream_engine.operators.code import Count, Way
    from stream_engine.task.subtask import Subtask

# What ``Clock.suspend`` returns for ``resume``.
Suspended = tuple["Account | None", int, int]

# So many calls in a row are timed, and so many ns later the next ones.
_TIMED = 16
_PAUSE = 50_000_000


class Account:
    """The time of one subtask since it was last reported, in ns: what is not ``busy`` or ``backpressured`` is idle.

    A subtask is backpressured if it has work but waits for its receivers: in the middle of a record (``suspended``),
    with more records at hand (``eager``: a source that has just returned some), or while a checkpoint waits for
    barriers downstream.
    """

    __slots__ = ("_thread", "_thread_time", "_totals", "backpressured", "busy", "eager", "subtask", "suspended")

    def __init__(self, subtask: Subtask) -> None:
        self.subtask = subtask
        self.busy = 0
        self.backpressured = 0
        self._totals = (0, 0, 0)
        self.suspended = False
        self.eager = False
        self._thread: int | None = None
        self._thread_time = 0

    def note_thread(self) -> None:
        """Notes that the calling thread is the subtask's own."""
        if self._thread is None and pthread_getcpuclockid is not None:
            self._thread = pthread_getcpuclockid(get_ident())

    def thread_time(self) -> int:
        """The processor time of the subtask's own thread, if it has one, since the last call."""
        if self._thread is None or clock_gettime_ns is None:
            return 0
        try:
            before, self._thread_time = self._thread_time, clock_gettime_ns(self._thread)
        except OSError:  # The thread has ended.
            return 0
        return self._thread_time - before

    def spend(self, elapsed: int) -> tuple[int, int, int]:
        """Divides the time ``elapsed`` since the last call; returns the times busy, backpressured and idle.

        Estimated times need not add up to ``elapsed``, but the returned ones do.
        """
        busy = max(0, min(self.busy, elapsed))
        backpressured = max(0, min(self.backpressured, elapsed - busy))
        self.busy = self.backpressured = 0
        # The exact time of its end is unknown, but it was not idle since.
        idle = 0 if self.subtask.finished else elapsed - busy - backpressured
        before = self._totals
        self._totals = (before[0] + busy, before[1] + backpressured, before[2] + idle)
        return self._totals

    @property
    def waits(self) -> bool:
        if self.suspended:
            return True
        at_hand = self.eager or self.subtask.paused or self.subtask.has_input
        return bool(self.subtask.exits) and at_hand and not self.subtask.finished


class Clock:
    """Divides all time among the accounts. Safe for the worker's threads, of which one at a time holds the lock."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._accounts = accounts
        self._lock = Lock()
        self._since = perf_counter_ns()
        self._running: Account | None = None
        self._waiting: list[Account] = []
        # The account whose thread held the lock last, while the worker's loop slept.
        self.pushing: Account | None = None
        self.passages: list[Passage] = []
        self._armed_at = 0
        self._depth = 0
        # The time spent between ``suspend`` and ``resume``; and when the present such time began.
        self._away = 0
        self._away_since: int | None = None
        # What two readings of the clock add to the time between them.
        self.overhead = min(-self.read() + self.read() for _ in range(20))

    def read(self) -> int:
        """The time of the caller, without the time for which it was suspended."""
        return perf_counter_ns() - self._away

    def read_beside(self) -> int:
        """The same for the thread that holds the lock, read by another thread."""
        return (self._away_since or perf_counter_ns()) - self._away

    def switch(self, account: Account | None) -> Account | None:
        """Gives the time from now on to the account (None: to none); returns the previous account."""
        with self._lock:
            self._settle()
            previous, self._running = self._running, account
            # Computed now: frames that come in later could not have been processed by now.
            self._waiting = [other for other in self._accounts if other is not account and other.waits]
        if self._since - self._armed_at > _PAUSE:
            self._armed_at = self._since
            for passage in self.passages:
                passage.arm()
        return previous

    def sleep(self) -> Account | None:
        """Switches to no account, as there is nothing to do."""
        if not self._depth:
            for account in self._accounts:
                account.eager = False
        return self.switch(None)

    def suspend(self) -> Suspended:
        """The running subtask cannot continue for now; others may. Returns what ``resume`` takes."""
        suspended = self._running or self.pushing
        if suspended is not None:
            suspended.suspended = True
        start = perf_counter_ns()
        if not self._depth:
            self._away_since = start
        self._depth += 1
        return self.switch(None), self._away, start

    def resume(self, what: Suspended) -> None:
        running, away, start = what
        self._depth -= 1
        suspended = running or self.pushing
        if suspended is not None:
            suspended.suspended = False
        self.switch(running)
        # Assigned, not added: the time includes what was suspended in between.
        self._away = away + perf_counter_ns() - start
        if not self._depth:
            self._away_since = None

    def settle(self) -> None:
        """Brings the accounts up to date."""
        with self._lock:
            self._settle()
            # Upstream first: the time of a task includes that of records that pass into further tasks.
            for passage in self.passages:
                passage.settle()

    def _settle(self) -> None:
        now = perf_counter_ns()
        span, self._since = now - self._since, now
        if self._running is not None:
            self._running.busy += span
        for account in self._waiting:
            account.backpressured += span


class Passage:
    """The place where records enter a subtask one by one, within the time of ``source`` (None: of no account).

    ``count`` counts them, and ``ways`` are the functions that take them.
    """

    def __init__(
        self, clock: Clock, count: Count, ways: Sequence[Way], source: Account | None, target: Account
    ) -> None:
        self._clock = clock
        self._count = count
        # A source's thread adds them as it begins.
        self._ways = ways
        self._source = source
        self._target = target
        self._left = 0
        self._mean = 0.0
        # Since the last settlement: records seen, calls timed, and the time of those calls.
        self._records = 0
        self._calls = 0
        self._elapsed = 0
        self._started: int | None = None

    def arm(self) -> None:
        """Times the next records."""
        if not self._left:
            self._left = _TIMED
            for install, call in self._ways:
                install(partial(self._time, call))

    def _time(self, call: Callable[..., None], *record: Any) -> None:
        self._left -= 1
        if self._left <= 0:
            self._left = 0
            for install, other in self._ways:
                install(other)
        self._calls += 1
        self._started = self._clock.read()
        call(*record)
        self._elapsed += max(0, self._clock.read() - self._started - self._clock.overhead)
        self._started = None

    def settle(self) -> None:
        """Moves the time that the records took to the account of the subtask they entered."""
        records, self._records = self._count.records - self._records, self._count.records
        calls, elapsed = self._calls, self._elapsed
        self._calls = self._elapsed = 0
        if self._started is not None:
            # A call may take very long.
            now = max(self._started, self._clock.read_beside())
            elapsed += now - self._started
            self._started = now
        if calls:
            self._mean = elapsed / calls
        time = elapsed + int(max(0, records - calls) * self._mean)
        if self._source is None:
            # What a source does between its records is not timed, but counts.
            time = max(time, self._target.thread_time())
        else:
            time = max(0, min(time, self._source.busy))
            self._source.busy -= time
            self._source.backpressured += time
        self._target.busy += time
