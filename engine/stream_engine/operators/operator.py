"""The operator as a chain knows it, and what its host gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from stream_engine.operators.context import RuntimeContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.configuration import Configuration
    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.operators import Sink
    from stream_engine.operators.chain import ChainWriter


class Writer(Protocol):
    """Where a sink's lines go; made by the host."""

    def write(self, lines: list[str]) -> None: ...

    def close(self) -> None: ...


class Host(Protocol):
    """All that a subtask asks of whatever runs it. ``index`` counts from 0; times are ms since the epoch."""

    index: int
    configuration: Configuration

    def now(self) -> int:
        """The processing time, as of the records being processed now."""
        ...

    def schedule(self, time: int, action: Callable[[], None]) -> None:
        """Calls ``action`` once, between two records, at ``time`` or soon after."""
        ...

    def writer(self, sink: Sink, parallelism: int) -> Writer:
        """Opens the file, socket or console behind a sink. Raises OSError."""
        ...


class Operator:
    """One operator of a chain, in one subtask.

    Life: ``write`` (its code is generated), ``open``, records, ``finish`` (its input has ended), ``close``.
    """

    # Whether it hands its records to code of the user's, which may change or keep them.
    exposes = False

    def __init__(self, identifier: int, name: str) -> None:
        self.id = identifier
        self.name = name

    def write(self, chain: ChainWriter, record: str) -> None:
        """Writes what happens to the record in the variable ``record``."""
        raise NotImplementedError

    def open(self, host: Host, parallelism: int) -> None:
        """Called once, before the first record."""

    def flush(self) -> None:
        """Hands on what was held back for speed."""

    def finish(self) -> None:
        """Called once, after the last record, while results can still be sent on."""

    def close(self) -> None:
        """Called once, also when the job has failed or was cancelled."""


class FunctionOperator(Operator):
    """An operator around a function of the user's, which it opens and closes when that is a rich one."""

    exposes = True

    def __init__(self, identifier: int, name: str, function: UserFunction) -> None:
        super().__init__(identifier, name)
        self.function = function.load()
        self.call: Callable[..., Any] = getattr(self.function, function.method) if function.method else self.function
        self._rich = hasattr(self.function, "setRuntimeContext")
        self._opened = False

    def open(self, host: Host, parallelism: int) -> None:
        if self._rich:
            self.function.setRuntimeContext(RuntimeContext(self.name, host.index, parallelism))
            self._opened = True
            self.function.open(host.configuration)

    def close(self) -> None:
        if self._opened:
            self._opened = False
            self.function.close()
