"""Operations on stores that may not answer: tried again within a limit, and never waited for without end.

Clients of stores block in code that is not Python's, and some of them for minutes. So each operation is made by a
thread of its own, which is left behind if it does not return in time; the caller waits in a way that signals interrupt.
"""

from __future__ import annotations

import atexit
import errno
import os
import re
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# In seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
# How long the end of the process waits for clients that do not answer.
_LONGEST_END = 5.0
# What another attempt would not change.
_FINAL = {
    errno.ENOENT, errno.EEXIST, errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOSYS, errno.ENOTDIR, errno.EISDIR,
    errno.ENOTEMPTY, errno.ENAMETOOLONG, errno.EMSGSIZE, errno.ENOTSUP, errno.EROFS,
}  # fmt: skip
_ERRNO_OF = {
    FileNotFoundError: errno.ENOENT,
    FileExistsError: errno.EEXIST,
    PermissionError: errno.EACCES,
    NotADirectoryError: errno.ENOTDIR,
    IsADirectoryError: errno.EISDIR,
    NotImplementedError: errno.ENOSYS,
    TimeoutError: errno.ETIMEDOUT,
}
# What clients call it when their connection fails; these classes are not those of the standard library.
_OF_CONNECTIONS = {
    "ConnectionError", "HTTPClientError", "ClientConnectionError", "ClientPayloadError", "ServerTimeoutError",
    "IncompleteRead", "IncompleteReadError", "ResponseStreamingError", "ResponseParserError", "ServiceRequestError",
    "ServiceResponseError", "FSTimeoutError", "TimeoutError",
}  # fmt: skip
# What a NameNode says while it starts, or while another one is taking over, and a DataNode is not there yet.
_NOT_YET = re.compile(r"SafeModeException|StandbyException|RetriableException|ServerTooBusy|java\.io\.IOException")
_RPC_ERROR = re.compile(r'RPCError\("([^"]*)", "(.*)"\)', re.DOTALL)


class NoAnswer(TimeoutError):
    """An operation has not come back in time."""


class Patience:
    """How long a store is waited for, in seconds; from its first answer on, ``limit``, and less before."""

    def __init__(self, limit: float, at_first: float) -> None:
        self._limit = limit
        self._at_first = min(limit, at_first)
        self._answered = False

    @property
    def seconds(self) -> float:
        return self._limit if self._answered else self._at_first

    def attempt(self, call: Callable[[], T], url: str) -> T:
        """What ``call`` returns, which is made again as long as its error may pass. Must do no harm when it is.

        Raises OSError, with the file name ``url``; FileNotFoundError and the like at once, others when time is over.
        """
        begun, pause, attempts = monotonic(), _FIRST_PAUSE, 0
        told: Exception | None = None
        while True:
            attempts += 1
            try:
                result = bounded(call, max(_FIRST_PAUSE, begun + self.seconds - monotonic()))
            except Exception as error:
                if not is_transient(error):
                    self._answered = True
                    raise as_os_error(error, url) from error
                # That the time was over says less than what came before.
                told = told if told is not None and isinstance(error, NoAnswer) else error
                if monotonic() + pause - begun > self.seconds:
                    raise self._given_up(told, url, monotonic() - begun, attempts) from error
                sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                self._answered = True
                return result

    def _given_up(self, error: Exception, url: str, seconds: float, attempts: int) -> OSError:
        told = as_os_error(error, url)
        times = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        waited = f"given up after {times} in {seconds:.0f} s"
        return OSError(told.errno, f"{told.strerror} ({waited}; fs.timeout allows {self._limit:g} s)", url)


def bounded(call: Callable[[], T], seconds: float) -> T:
    """What ``call`` returns or raises, made by another thread. Raises NoAnswer if that takes too long."""
    outcome: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            outcome.put((call(), None))
        except BaseException as error:
            outcome.put((None, error))

    start_thread(run)
    try:
        result, error = outcome.get(timeout=seconds)
    except Empty:
        raise NoAnswer(errno.ETIMEDOUT, f"no answer in {seconds:.1f} s") from None
    if error is not None:
        raise error
    return result


# Those that are in a client's code, perhaps.
_threads: set[Thread] = set()
os.register_at_fork(after_in_child=_threads.clear)


def start_thread(target: Callable[[], None]) -> None:
    """Calls ``target`` in a thread that the end of the process waits for, but not for long."""

    def run() -> None:
        try:
            target()
        finally:
            _threads.discard(thread)

    thread = Thread(target=run, name="storage", daemon=True)
    _threads.add(thread)
    thread.start()


@atexit.register
def _await_threads() -> None:
    # One that came back from a client's code while the interpreter is taken down would abort the process.
    limit = monotonic() + _LONGEST_END
    for thread in list(_threads):
        thread.join(max(0.0, limit - monotonic()))


def is_transient(error: Exception) -> bool:
    """Whether the same operation may succeed a little later."""
    number = _errno_of(error)
    if number is not None:
        return number not in _FINAL
    status = next((value for name in ("code", "status", "status_code") if (value := getattr(error, name, None))), None)
    if isinstance(status, int):
        return status >= 500 or status == 429
    if isinstance(error, RuntimeError):
        # Of hdfs-native: what the server says, or whatever else went wrong on the way.
        said = _RPC_ERROR.search(str(error))
        return said is None or _NOT_YET.search(said[1]) is not None
    return isinstance(error, OSError) or bool(_OF_CONNECTIONS & {each.__name__ for each in type(error).__mro__})


def as_os_error(error: Exception, url: str) -> OSError:
    """The error as one of a file, of which there is one line to say."""
    number = _errno_of(error) or errno.EIO
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    said = _RPC_ERROR.search(text)
    if said:
        text = said[2].replace("\\n", "\n")
    if number == errno.ENOENT:
        text = "there is no such file or directory"
    return OSError(number, text.partition("\n")[0].rstrip(" ."), url)


def _errno_of(error: Exception) -> int | None:
    number = getattr(error, "errno", None)
    if isinstance(number, int):
        return number
    return next((number for kind, number in _ERRNO_OF.items() if isinstance(error, kind)), None)
