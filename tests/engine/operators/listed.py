"""A host of operators that has no processes: records go into lists, and the test moves its clock."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import cloudpickle

from stream_engine.api.analysis.effects import only_reads
from stream_engine.api.analysis.memory import forgets
from stream_engine.api.analysis.results import made_fields
from stream_engine.configuration import Configuration
from stream_engine.graph.functions import UserFunction
from stream_engine.graph.job_graph import Link, Task
from stream_engine.graph.stream_graph import StreamNode
from stream_engine.metrics import Metrics
from stream_engine.operators.accumulators import Accumulators
from stream_engine.operators.build import build_operator
from stream_engine.operators.chain import Chain
from stream_engine.operators.snapshot import OperatorSnapshot, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stream_engine.graph.specs import Sink
    from stream_engine.operators.tables import Entries, Tables
    from stream_engine.operators.writer import ChainWriter


def function(call: Any, method: str | None = None) -> UserFunction:
    called = getattr(call, method) if method else call
    return UserFunction(
        cloudpickle.dumps(call), "function", method, False, only_reads(called), forgets(called), made_fields(called)
    )


class ListOutput:
    """Keeps the records themselves, not copies of them, of one operator; and the times it was told of."""

    passes = False

    def __init__(self, operator: int, selected: tuple[str, ...] | None = None, exposes: bool = False) -> None:
        self.operator = operator
        self.selected = selected
        self.exposes = exposes
        self.records: list[Any] = []
        self.marks: list[int] = []
        # Watermarks, and None where the output went idle.
        self.times: list[int | None] = []

    def write(self, chain: ChainWriter, record: str) -> None:
        chain.code.line(f"{chain.code.bind('append', self.records.append)}({record})")

    def mark(self, time: int) -> None:
        self.marks.append(time)

    def watermark(self, time: int) -> None:
        self.times.append(time)

    def idle(self) -> None:
        self.times.append(None)


class ListWriter:
    """Its positions are numbers of lines; ``flushed`` is how many there were at the last flush."""

    buffers = True

    def __init__(self, positions: Mapping[int, int] | None) -> None:
        self.lines: list[Any] = []
        self.positions = positions
        self.flushed = 0
        self.closed = False
        self.completed: int | None = None

    def write(self, lines: list[Any]) -> None:
        self.lines.extend(lines)

    def flush(self) -> None:
        self.flushed = len(self.lines)

    def position(self) -> int:
        return len(self.lines)

    def complete(self, position: int) -> None:
        self.completed = position

    def close(self) -> None:
        self.closed = True


class ListHost:
    """Subtask ``index`` of a task whose operators, ids 0 to n, are chained; the last one's records are ``results``.

    It resumes from the ``snapshots`` of all subtasks of an earlier one, if there are any.
    """

    # Where hosts keep the state of keys; None: in memory.
    tables: Tables | None = None

    def __init__(
        self,
        *operators: Any,
        key: UserFunction | None = None,
        links: tuple[Link, ...] | None = None,
        outputs: tuple[ListOutput, ...] | None = None,
        time: int = 1_000_000,
        index: int = 0,
        width: int = 1,
        snapshots: Sequence[Mapping[int, OperatorSnapshot]] = (),
        timestamped: bool = False,
        **options: Any,
    ) -> None:
        self.index, self.attempt = index, 0
        self.configuration = Configuration(
            {name.replace("__", ".").replace("_", "-"): v for name, v in options.items()}
        )
        self.accumulators = Accumulators()
        self.metrics = Metrics()
        self.time = time
        self.writers: list[ListWriter] = []
        self.timers: list[tuple[int, Callable[[], None]]] = []
        nodes = tuple(
            StreamNode(number, operator, f"operator {number}", key) for number, operator in enumerate(operators)
        )
        if links is None:
            links = tuple(Link(number, number + 1) for number in range(len(nodes) - 1))
        self.outputs = (ListOutput(len(nodes) - 1),) if outputs is None else outputs
        built = [build_operator(node, index, width, self.tables) for node in nodes]
        reuse = self.configuration.get("pipeline.object-reuse")
        self.chain = Chain(Task(0, nodes, links, width), built, self.outputs, reuse, timestamped)
        self._timestamped = timestamped
        if snapshots:
            for operator in built:
                state = merge([each.get(operator.id) for each in snapshots], index, width)
                operator.restore(state)
                state.check_taken()
        for operator in reversed(built):
            operator.open(self, width)

    @property
    def results(self) -> list[Any]:
        return self.outputs[0].records

    # --- what operators ask for ---

    def now(self) -> int:
        return self.time

    def schedule(self, time: int, action: Callable[[], None]) -> None:
        self.timers.append((time, action))

    def hold(self) -> None: ...

    def writer(self, sink: Sink, parallelism: int, positions: Mapping[int, int] | None = None) -> ListWriter:
        self.writers.append(ListWriter(positions))
        return self.writers[-1]

    # --- what tests do ---

    def process(self, *records: Any) -> list[Any]:
        """The results so far, after these records."""
        for record in records:
            if self._timestamped:
                self.chain.process(record, None)
            else:
                self.chain.process(record)
        return self.results

    def move_to(self, time: int) -> list[Any]:
        """The results so far, after all timers up to ``time``, each run at its own."""
        while due := sorted((timer for timer in self.timers if timer[0] <= time), key=lambda timer: timer[0]):
            self.timers.remove(due[0])
            self.time = max(self.time, due[0][0])
            due[0][1]()
        self.time = time
        return self.results

    def snapshot(self, checkpoint: int = 1) -> dict[int, OperatorSnapshot]:
        """The snapshots of the operators by their ids, as a file would keep them."""
        for operator in self.chain.operators:
            operator.before_snapshot()
        snapshots: dict[int, OperatorSnapshot] = {}
        for operator in self.chain.operators:
            snapshot = operator.snapshot(checkpoint)
            tables: dict[str, Entries] = {name: dict(table.items()) for name, table in snapshot.keyed.items()}
            if snapshot:
                snapshots[operator.id] = OperatorSnapshot(tables, snapshot.split, snapshot.own)
        return pickle.loads(cloudpickle.dumps(snapshots))

    def flush(self) -> None:
        for operator in self.chain.operators:
            operator.flush()

    def end(self) -> None:
        """The input has ended."""
        for operator in self.chain.operators:
            operator.finish()
        self.flush()

    def finish(self) -> list[Any]:
        """The results, after the input has ended."""
        self.end()
        for operator in self.chain.operators:
            operator.close()
        return self.results
