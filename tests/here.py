"""Runs programs as the command does, but in the process of the tests."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

from launched import Command, Done, Launcher
from prepared import prepare

from pyflink_stream.cli import Request, parse
from pyflink_stream.explain import explain
from pyflink_stream.imports import ProgramFinder
from pyflink_stream.launcher import call_main
from stream_engine.local.executor import LocalExecutor
from stream_engine.local.inline.executor import InlineExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pytest

    from stream_engine.local.forkserver.client import ForkServer

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
_SILENT = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


class CommandHere(Command):
    """A command whose ``run`` starts no process but workers, which come from ``server``.

    It costs a small part of what a process does: for tests of what programs do, not of how they start and stop. A
    program may change ``sys.argv``, ``sys.path`` and its own modules; it must not log, nor leave threads behind.
    """

    def __init__(self, directory: Path, server: ForkServer, capture: pytest.CaptureFixture[str]) -> None:
        super().__init__(directory)
        self._server = server
        self._capture = capture

    def run(self, *args: object, popen: Mapping[str, Any] | None = None, **environment: str) -> Done:
        """As the command's, with the same exit code, output and reports."""
        assert popen is None, "no process is started"
        texts = [str(argument) for argument in args]
        self._capture.readouterr()
        with self._undone(), mock.patch.dict(os.environ):
            os.environ.pop("FLINK_CONF_DIR", None)
            os.environ.update(environment)
            os.chdir(self.directory)
            request = parse(texts)
            assert isinstance(request, int | Request)
            code = request if isinstance(request, int) else self._execute(request)
        out, err = self._capture.readouterr()
        return Done(texts, code, out, err)

    def _execute(self, request: Request) -> int:
        if request.explain is not None:
            return explain(request.program, request.configuration, request.explain, request.full_tracebacks)
        if request.local_debug:
            executor = InlineExecutor()
        else:
            executor = LocalExecutor(self._server, partial(prepare, request.program, str(self.directory)))
        return call_main(request.program, request.configuration, executor, request.full_tracebacks)

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """What a run does to its process is undone."""
        handlers = {number: signal.getsignal(number) for number in _SIGNALS}
        directory, leave, path, argv, modules = os.getcwd(), os._exit, list(sys.path), sys.argv, set(sys.modules)
        try:
            with warnings.catch_warnings():
                _warn_as_python_does()
                yield
        finally:
            for finder in [each for each in sys.meta_path if isinstance(each, ProgramFinder)]:
                finder.uninstall()
            # What lies beside the script, and was found by its directory on the path.
            added = tuple(f"{entry}{os.sep}" for entry in sys.path if entry not in path)
            for name in set(sys.modules) - modules:
                if added and str(getattr(sys.modules[name], "__file__", "")).startswith(added):
                    del sys.modules[name]
            sys.path[:], sys.argv, os._exit = path, argv, leave
            os.chdir(directory)
            for number, handler in handlers.items():
                signal.signal(number, handler)


class Here(Launcher, CommandHere):
    """As CommandHere, with the text of a program."""

    def run(self, *args: object, popen: Mapping[str, Any] | None = None, **environment: str) -> Done:
        return CommandHere.run(self, *self.arguments(*args), popen=popen, **environment)


def _warn_as_python_does() -> None:
    """On standard error, instead of failing the test."""

    def show(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))

    warnings.showwarning = show
    warnings.resetwarnings()
    for category in _SILENT:
        warnings.simplefilter("ignore", category)
