"""A task's operators fused into one generated loop.

Record at a time: record 1 passes through the whole chain before record 2 enters it. Where a function emits through a
collector, the collector's ``collect`` is the rest of the chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from stream_engine.operators.code import Code
from stream_engine.operators.ownership import write_owned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from stream_engine.graph.job_graph import Task
    from stream_engine.operators.operator import Operator


class Output(Protocol):
    """Where a host takes over the records that ``operator`` emits: an exchange to other subtasks, say."""

    exposes: bool
    operator: int
    selected: tuple[str, ...] | None

    def write(self, chain: ChainWriter, record: str) -> None:
        """Writes the code that takes the record in the variable ``record``."""
        ...

    def mark(self, time: int) -> None:
        """Tells all receivers that every result up to ``time`` (ms) has been sent."""
        ...


class Collector:
    """What functions emit with: its ``collect`` is the rest of the chain."""

    __slots__ = ("collect",)

    collect: Callable[[Any], None]

    def close(self) -> None:
        """For scripts that call it, as Flink's Collector may be closed; nothing is held back here."""


class ChainWriter:
    """Writes the code of a chain; given to each operator in turn."""

    def __init__(self, task: Task, operators: Mapping[int, Operator], outputs: Sequence[Output], reuse: bool) -> None:
        self.code = Code(task.name)
        self.reuse = reuse
        self._task = task
        self._operators = operators
        self._outputs = outputs
        self._collectors: list[tuple[Collector, str]] = []

    def outputs(self, operator: int) -> list[Output]:
        """Where the host takes over what ``operator`` emits."""
        return [output for output in self._outputs if output.operator == operator]

    def owned(self, record: str) -> str:
        """A variable with a copy of ``record`` that nothing else can change."""
        return record if self.reuse else write_owned(self.code, record)

    def received(self, operator: int, record: str) -> str:
        """As ``owned``, where a function behind ``operator`` could change a record that its maker still holds."""
        exposes = any(consumer.exposes for consumer, _, _ in self._consumers(operator))
        return self.owned(record) if exposes else record

    def forward(self, operator: int, record: str, names: str | None = None) -> None:
        """Writes what happens to a record that ``operator`` emits; ``names`` is the variable with a split's names."""
        if self.code.deep and names is None:
            self.code.line(f"{self.emitter(operator)}({record})")
            return
        consumers = self._consumers(operator)
        for position, (consumer, selected, target) in enumerate(consumers):
            shared = position < len(consumers) - 1 and consumer.exposes
            if names is not None and selected is not None:
                chosen = " or ".join(f"{name!r} in {names}" for name in selected) or "False"
                with self.code.block(f"if {chosen}:"):
                    self._write(consumer, target, record, shared)
            else:
                self._write(consumer, target, record, shared)

    def emitter(self, operator: int, received: bool = False) -> str:
        """The name of a function of one record that does what ``forward`` writes."""
        with self.code.function("emit", "record") as name, self.code.operator(operator, "record"):
            self.forward(operator, self.received(operator, "record") if received else "record")
        return name

    def collector(self, operator: int, received: bool = False) -> Collector:
        """A collector whose records ``operator`` emits. Of use once the chain is compiled.

        ``received`` says that they come from a function of the user's, which may go on using them.
        """
        collector = Collector()
        self._collectors.append((collector, self.emitter(operator, received)))
        return collector

    def compile(self) -> dict[str, Any]:
        """The namespace of the compiled chain."""
        namespace = self.code.compile()
        for collector, name in self._collectors:
            collector.collect = namespace[name]
        return namespace

    def _consumers(self, operator: int) -> list[tuple[Operator | Output, tuple[str, ...] | None, int]]:
        consumers: list[tuple[Operator | Output, tuple[str, ...] | None, int]] = [
            (self._operators[link.target], link.selected, link.target)
            for link in self._task.links
            if link.source == operator
        ]
        consumers.extend((output, output.selected, operator) for output in self.outputs(operator))
        return consumers

    def _write(self, consumer: Operator | Output, target: int, record: str, shared: bool) -> None:
        own = self.owned(record) if shared else record
        with self.code.operator(target, own):
            consumer.write(self, own)


class Chain:
    """A compiled chain. ``process`` takes one record, ``process_batch`` an iterable of them."""

    def __init__(self, task: Task, operators: Sequence[Operator], outputs: Sequence[Output], reuse: bool) -> None:
        self.task = task
        self.operators = tuple(operators)
        writer = ChainWriter(task, {operator.id: operator for operator in operators}, outputs, reuse)
        code, head = writer.code, operators[0]
        with code.function("process", "record") as process, code.operator(head.id, "record"):
            head.write(writer, "record")
        with (
            code.function("process_batch", "records") as process_batch,
            code.block("for record in records:"),
            code.operator(head.id, "record"),
        ):
            head.write(writer, "record")
        namespace = writer.compile()
        self.process: Callable[[Any], None] = namespace[process]
        self.process_batch: Callable[[Any], None] = namespace[process_batch]

    @property
    def pending(self) -> bool:
        """Whether results will come of what the operators hold when time passes, without a further record."""
        return any(operator.pending for operator in self.operators)

    def flush(self) -> None:
        for operator in self.operators:
            operator.flush()

    def finish(self) -> None:
        """Ends the operators, first first, so that what one still emits passes through those behind it."""
        for operator in self.operators:
            operator.finish()
        self.flush()
