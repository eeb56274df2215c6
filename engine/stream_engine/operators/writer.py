"""Writes the code of a chain: operators and outputs use it to say what happens to a record.

Record at a time: record 1 passes through the whole chain before record 2 enters it. Where a function emits through a
collector, the collector's ``collect`` is the rest of the chain.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from stream_engine.operators.code import Code
from stream_engine.operators.ownership import write_owned
from stream_engine.operators.watermarks import TimeOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from stream_engine.graph.job_graph import Task
    from stream_engine.operators.code import Count
    from stream_engine.operators.ownership import Plainness
    from stream_engine.operators.watermarks import Watermarks


class Consumer(Protocol):
    """The receiver of an operator's records: the next operator, or an output."""

    exposes: bool
    """Whether it hands its records to user code, which may change or keep them."""
    passes: bool
    """Whether what it emits may be a record that it got, or part of one."""

    def write(self, chain: ChainWriter, record: str) -> None:
        """Writes the code that takes the record in the variable ``record``."""
        ...


class Step(Consumer, Protocol):
    """What others need to know of an operator while the chain is written."""

    one_for_one: bool
    """Whether it emits a record for each that it gets, at once."""


class Output(Consumer, TimeOutput, Protocol):
    """Where the host takes over the records that ``operator`` emits, for example an exchange."""

    selected: tuple[str, ...] | None

    def mark(self, time: int) -> None:
        """Tells all receivers that every result up to ``time`` (ms) has been sent."""
        ...


class Guard(Protocol):
    """How the thread of a source that pushes may take a record into its chain, which other threads use, too."""

    def method(self, code: Code, operator: int, name: str, parameters: str) -> AbstractContextManager[None]:
        """Writes a method, for the head of the chain, the ``operator``.

        What is written within is done for one record, or not at all if the host does not want it any more.
        """
        ...

    def made(self, namespace: Mapping[str, Any], name: str) -> Any:
        """The method of that name of the compiled code."""
        ...


class Collector:
    """What functions emit with: its ``collect`` is the rest of the chain.

    That is a method of a class of its own, as a method is called in half the time that a call of a field takes.
    """

    __slots__ = ("time",)

    collect: Callable[[Any], None]
    # The timestamp (ms) of what is collected, in jobs with event time.
    time: int | None

    def close(self) -> None:
        """Does nothing: nothing is held back. Flink's Collector has it, so scripts may call it."""


class ChainWriter:
    """Writes the code of a chain; given to each operator in turn."""

    def __init__(
        self,
        task: Task,
        operators: Mapping[int, Step],
        outputs: Sequence[Output],
        reuse: bool,
        watermarks: Watermarks,
        timestamped: bool,
        watched: bool,
    ) -> None:
        self.watermarks = watermarks
        self.timestamped = timestamped
        self._watched = watched
        # The variable with the timestamp of the current record; only used if timestamped.
        self.time = "time"
        self.code = Code(task.name)
        self.reuse = reuse
        self._task = task
        self._operators = operators
        self._outputs = outputs
        self._straight = {task.head.id}
        for link in task.links:
            if link.source in self._straight and operators[link.source].one_for_one and link.selected is None:
                self._straight.add(link.target)
        self._collectors: list[tuple[Collector, str]] = []
        # Functions that are called already, but whose code is not written yet.
        self._unwritten: deque[Callable[[], None]] = deque()

    def count(self, count: Count) -> None:
        """Writes the count of a record, if somebody watches."""
        if self._watched:
            self.code.line(f"for _ in {self.code.bind('steps', count.steps)}: break")

    def comes_as_it_is(self, operator: int) -> bool:
        """Whether ``operator`` gets one record for each that enters the chain, so nobody needs to count them."""
        return operator in self._straight

    def outputs(self, operator: int) -> list[Output]:
        """Where the host takes over what ``operator`` emits."""
        return [output for output in self._outputs if output.operator == operator]

    def owned(self, record: str, plainness: Plainness | None = None) -> str:
        """A variable with a copy of ``record`` that nothing else can change. See Plainness for ``plainness``."""
        return record if self.reuse else write_owned(self.code, record, plainness)

    def received(self, operator: int, record: str) -> str:
        """As ``owned``, if a function after ``operator`` could change a record that its maker still holds."""
        return self.owned(record) if self.exposed(operator) else record

    def exposed(self, operator: int) -> bool:
        """Whether a function after ``operator`` gets what it emits, or part of it, and may change or keep that."""
        pending, seen = [operator], {operator}
        while pending:
            for consumer, _, target in self._consumers(pending.pop()):
                if consumer.exposes:
                    return True
                if consumer.passes and target not in seen:
                    seen.add(target)
                    pending.append(target)
        return False

    @contextmanager
    def at(self, time: str) -> Iterator[None]:
        """Code written inside is for a record whose timestamp is in the variable ``time``."""
        outer, self.time = self.time, time
        yield
        self.time = outer

    def stamp(self, collector: str) -> None:
        """Writes that what the collector of that name collects next has the current record's timestamp."""
        if self.timestamped:
            self.code.line(f"{collector}.time = {self.time}")

    def with_time(self, record: str) -> str:
        """The arguments that a generated function takes for a record."""
        return f"{record}, {self.time}" if self.timestamped else record

    def forward(self, operator: int, record: str, names: str | None = None, late: str | None = None) -> None:
        """Writes what happens to a record that ``operator`` emits.

        ``names`` is the variable with a split's names; ``late`` the name of the output, for a late record.
        """
        if self.code.deep:
            arguments = self.with_time(record) if names is None else f"{self.with_time(record)}, {names}"
            self.code.line(f"{self._emitter(operator, names is not None, late)}({arguments})")
            return
        consumers = self._consumers(operator)
        if names is None:
            wanted = None if late is None else (late,)
            consumers = [each for each in consumers if each[1] == wanted]
        for position, (consumer, selected, target) in enumerate(consumers):
            shared = position < len(consumers) - 1 and self._exposes(consumer, target)
            if names is not None and selected is not None:
                chosen = " or ".join(f"{name!r} in {names}" for name in selected) or "False"
                with self.code.block(f"if {chosen}:"):
                    self._write(consumer, target, record, shared)
            else:
                self._write(consumer, target, record, shared)

    def collector(self, operator: int, received: bool = False, late: str | None = None) -> Collector:
        """A collector whose records ``operator`` emits. It works once the chain is compiled.

        ``received`` says that they come from a user function, which may still use them.
        """
        collector = Collector()
        collector.time = None
        name = self.code.fresh("collect")

        # Names of their own, so that the code can become part of a function that collects.
        record, time = self.code.fresh("record"), self.code.fresh("time")

        def write() -> None:
            with self.code.function(name, f"self, {record}"), self.code.operator(operator, record), self.at(time):
                if self.timestamped:
                    self.code.line(f"{time} = {self.code.bind('collector', collector)}.time")
                self.forward(operator, self.received(operator, record) if received else record, late=late)

        self._unwritten.append(write)
        self._collectors.append((collector, name))
        return collector

    def compile(self) -> dict[str, Any]:
        """The namespace of the compiled chain."""
        while self._unwritten:
            self._unwritten.popleft()()
        namespace = self.code.compile()
        for collector, name in self._collectors:
            collector.__class__ = type("Collector", (Collector,), {"__slots__": (), "collect": namespace[name]})
        return namespace

    def _emitter(self, operator: int, named: bool, late: str | None) -> str:
        """The name of a function that does what ``forward`` writes, for a record, its timestamp and a split's names."""
        name = self.code.fresh("emit")

        def write() -> None:
            parameters = self.with_time("record") + ", names" * named
            with self.code.function(name, parameters), self.code.operator(operator, "record"):
                self.forward(operator, "record", "names" if named else None, late)

        self._unwritten.append(write)
        return name

    def _consumers(self, operator: int) -> list[tuple[Consumer, tuple[str, ...] | None, int]]:
        consumers: list[tuple[Consumer, tuple[str, ...] | None, int]] = [
            (self._operators[link.target], link.selected, link.target)
            for link in self._task.links
            if link.source == operator
        ]
        consumers.extend((output, output.selected, operator) for output in self.outputs(operator))
        return consumers

    def _exposes(self, consumer: Consumer, target: int) -> bool:
        return consumer.exposes or (consumer.passes and self.exposed(target))

    def _write(self, consumer: Consumer, target: int, record: str, shared: bool) -> None:
        own = self.owned(record) if shared else record
        with self.code.operator(target, own):
            consumer.write(self, own)


def write_key(chain: ChainWriter, record: str, selector: Any) -> str:
    """Writes the call of a key selector; names the variable with the key."""
    key = chain.code.fresh("key")
    chain.code.line(f"{key} = {chain.code.bind('key_of', selector)}({record})", "key")
    return key
