"""Large state in memory is pickled by a child of the worker, from its copy of the worker's memory.

A thread would do that at the expense of the loop, as only one of the two can run. A child runs on another core, and
sees the state as it was when it was forked, without anybody copying them: the system copies the pages that the
worker changes from then on, as long as the child is there.
"""

from __future__ import annotations

import gc
import os
import signal
import warnings
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from stream_engine.operators.sizes import size_of
from stream_engine.operators.snapshot import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LARGE = 6 * 1024 * 1024
"""Bytes in memory; to pickle less takes about as long as to fork."""
_SAMPLE = 32
_BLOCK = 1024 * 1024
# Seconds after which a child is killed that has got stuck, say in a lock of the user's: there are no other threads.
_LONGEST = 600
# That a worker has open; a system may have no limit, and closes one after the other.
_MOST_FILES = 65_536
# Exit codes.
_DONE, _FAILED = 0, 1

# The child does nothing but pickle and write, so that other threads, which it does not have, need not worry it.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)


def memory_of(table: Any) -> int:
    """About how many bytes a dict or list takes, going by what is first in it."""
    sample = list(islice(table.items() if isinstance(table, dict) else table, _SAMPLE))
    return sum(map(size_of, sample)) * len(table) // len(sample) if sample else 0


def encoded_by_child(encode: Callable[[], Iterable[bytes]], operators: str, directory: str | None) -> Iterable[bytes]:
    """What ``encode`` gives now, made by a child if there can be one, to be read as often as one likes.

    Raises StateError, perhaps when it is read, where it cannot be pickled. ``operators`` is for messages; ``directory``
    for a file without a name, None: where the system has temporary ones.
    """
    try:
        return _Forked(encode, operators, directory)
    except OSError:
        return list(encode())


class _Forked:
    """See ``encoded_by_child``. Reading it waits for the child."""

    def __init__(self, encode: Callable[[], Iterable[bytes]], operators: str, directory: str | None) -> None:
        """Raises OSError where there can be no file or no child."""
        # None until it has ended.
        self._code: int | None = None
        self._running = False
        self._operators = operators
        # Closed when nobody can read this any more.
        self._file: IO[bytes] | None = None
        self._file = TemporaryFile(dir=directory)  # noqa: SIM115
        descriptor = self._file.fileno()
        self._pid = os.fork()
        if self._pid == 0:
            _encode(encode, descriptor)
        self._running = True

    def __iter__(self) -> Iterator[bytes]:
        if self._running:
            _, status = os.waitpid(self._pid, 0)
            self._running = False
            self._code = os.waitstatus_to_exitcode(status)
        assert self._file is not None
        descriptor, offset = self._file.fileno(), 0
        if self._code != _DONE:
            reason = os.pread(descriptor, _BLOCK, 0).decode() if self._code == _FAILED else ""
            reason = reason or f"its state was not kept, as the process that pickles it has ended with {self._code}"
            raise StateError(f"{self._operators}: {reason}")
        while block := os.pread(descriptor, _BLOCK, offset):
            offset += len(block)
            yield block

    def __del__(self) -> None:
        if self._running:
            # The checkpoint was given up.
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        if self._file is not None:
            self._file.close()


def _encode(encode: Callable[[], Iterable[bytes]], descriptor: int) -> None:
    """What the child does, which it does not come back from."""
    code = _FAILED
    try:
        # Collecting garbage would write to all objects, and so copy them.
        gc.disable()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_LONGEST)
        # Others find out by their sockets that the worker has ended.
        os.closerange(3, descriptor)
        limit = os.sysconf("SC_OPEN_MAX")
        os.closerange(descriptor + 1, min(limit, _MOST_FILES) if limit > 0 else _MOST_FILES)
        try:
            for data in encode():
                _write(descriptor, data)
            code = _DONE
        except Exception as error:
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            _write(descriptor, str(error).encode()[: _BLOCK // 2])
    finally:
        os._exit(code)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
