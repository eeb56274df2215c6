"""Sinks whose function is a connector's: what hosts make for them is called like a function of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from stream_engine.graph.specs import FunctionSink
from stream_engine.operators.sinks import FunctionSinkOperator
from stream_engine.operators.transactions import TransactionalSinkOperator

if TYPE_CHECKING:
    from stream_engine.operators.operator import Operator


class _Made(NamedTuple):
    """In place of a UserFunction, where there is nothing to load."""

    function: Any
    label: str
    method: str = "invoke"
    only_reads: bool = False
    forgets: bool = False

    def load(self) -> Any:
        return self.function


class ConnectorSinkOperator(FunctionSinkOperator):
    """``flush()`` of the function is called where nothing else is to do, ``finish()`` after the last record."""

    def flush(self) -> None:
        self.function.flush()

    def finish(self) -> None:
        self.function.finish()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self.function.close()


class TransactionalConnectorOperator(TransactionalSinkOperator):
    """In transactions of the function's own; it is opened with the rest, when its state has been given back."""

    def open(self, host: Any, parallelism: int) -> None:
        self.function.open()
        super().open(host, parallelism)

    def close(self) -> None:
        try:
            super().close()
        finally:
            self.function.close()


def connector_sink(identifier: int, name: str, function: Any, takes_context: bool, transactional: bool) -> Operator:
    """The operator around ``function``; one for transactions where it is ``transactional``."""
    # A function of ours, which changes nothing of a record; it may hold on to one until the next.
    sink = FunctionSink(_Made(function, name), takes_context, transactional)  # pyright: ignore[reportArgumentType]
    kind = TransactionalConnectorOperator if transactional else ConnectorSinkOperator
    return kind(identifier, name, sink, None)
