"""Sinks that write in transactions: their results appear exactly once, when a checkpoint counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.operators.function_state import method_of
from stream_engine.operators.sinks import FunctionSinkOperator

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.graph.functions import UserFunction
    from stream_engine.graph.specs import FunctionSink
    from stream_engine.operators.operator import Host
    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState


class TransactionalSinkOperator(FunctionSinkOperator):
    """Two-phase commit over ``begin()``, ``pre_commit(t)``, ``commit(t)`` and ``abort(t)`` of the function.

    ``begin`` returns a transaction, anything that can be pickled, for the records that follow. At a checkpoint it is
    pre-committed, after which it must outlive this process, and the next one begins. It is committed when the
    checkpoint is complete, and perhaps once more after a restart. The transaction that began at a checkpoint is aborted
    when the job restarts from there, and when its process is stopped.
    """

    commits = True

    def __init__(self, identifier: int, name: str, sink: FunctionSink, key: UserFunction | None) -> None:
        super().__init__(identifier, name, sink, key)
        self._begin = self._method("begin")
        self._pre_commit = self._method("pre_commit", "preCommit")
        self._commit = self._method("commit")
        self._abort = self._method("abort")
        self._transaction: Any = None
        self._writing = False
        # Pre-committed transactions, in order, with the number of the checkpoint that counts them; None: not yet any.
        self._pending: list[tuple[int | None, Any]] = []
        self._left_open: list[Any] = []

    def _method(self, *names: str) -> Callable[..., Any]:
        method = method_of(self.function, *names)
        assert method is not None, f"the API lets no sink through without {names[0]}()"
        return method

    def open(self, host: Host, parallelism: int) -> None:
        super().open(host, parallelism)
        self.commit()
        while self._left_open:
            self._abort(self._left_open.pop())
        self._start()

    def _start(self) -> None:
        self._transaction = self._begin()
        self._writing = True

    def _complete(self) -> None:
        self._pre_commit(self._transaction)
        self._writing = False
        self._pending.append((None, self._transaction))

    def finish(self) -> None:
        self._complete()

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        if self._writing:
            self._complete()
            self._start()
        self._pending = [(checkpoint if number is None else number, each) for number, each in self._pending]
        snapshot = super().snapshot(checkpoint)
        snapshot.split["pending"] = [transaction for _, transaction in self._pending]
        snapshot.split["open"] = [self._transaction] if self._writing else []
        return snapshot

    def restore(self, state: RestoredState) -> None:
        super().restore(state)
        self._pending = [(None, transaction) for transaction in state.elements("pending")]
        self._left_open = list(state.elements("open"))

    def on_checkpoint_complete(self, checkpoint: int) -> None:
        self._commit_while(lambda number: number is not None and number <= checkpoint)

    def commit(self) -> None:
        self._commit_while(lambda number: True)

    def _commit_while(self, due: Callable[[int | None], bool]) -> None:
        while self._pending and due(self._pending[0][0]):
            self._commit(self._pending[0][1])
            # Removed only now: a commit that fails is tried again after a restart.
            del self._pending[0]

    def close(self) -> None:
        try:
            if self._writing:
                self._writing = False
                self._abort(self._transaction)
        finally:
            super().close()
