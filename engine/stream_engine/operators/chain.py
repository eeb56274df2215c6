"""A task's operators fused into one generated loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from stream_engine.operators.code import Count
from stream_engine.operators.watermarks import Watermarks
from stream_engine.operators.writer import ChainWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from stream_engine.graph.job_graph import Task
    from stream_engine.operators.code import Way
    from stream_engine.operators.operator import Operator
    from stream_engine.operators.writer import Guard, Output


class Chain:
    """A compiled chain. ``process`` takes one record, ``process_batch`` an iterable of them.

    Where the job is ``timestamped``, ``process`` takes a record and its time (None: it has none yet), and
    ``process_batch`` pairs of them. Where it is ``watched``, ``pushed`` counts the records that a source gives to
    ``process``.

    With a ``guard``, ``entrances`` has methods that do what it says before and after ``process``. ``collect`` takes a
    record alone; where the job is timestamped, ``collect_with_timestamp`` takes its time, too. Where the job is
    watched, both call ``process`` by ``ways``.
    """

    def __init__(
        self,
        task: Task,
        operators: Sequence[Operator],
        outputs: Sequence[Output],
        reuse: bool,
        timestamped: bool = False,
        watched: bool = False,
        guard: Guard | None = None,
    ) -> None:
        self.task = task
        self.operators = tuple(operators)
        by_id = {operator.id: operator for operator in operators}
        self.watermarks = Watermarks(task, by_id, outputs)
        writer = ChainWriter(task, by_id, outputs, reuse, self.watermarks, timestamped, watched)
        self.pushed = Count()
        code, head = writer.code, operators[0]
        # Whether a function in it may change or keep the records that it gets.
        self.exposes = head.exposes or (head.passes and writer.exposed(head.id))
        record = writer.with_time("record")
        with code.function("process", record), code.operator(head.id, "record"):
            head.write(writer, "record")
            if task.head.is_source:
                writer.count(self.pushed)
        self.guard = guard
        self.ways: list[Way] = []
        name = code.fresh("process") if guard is not None and watched else ""
        entrances: dict[str, str] = {}
        if guard is not None:
            entrances["collect"] = "record"
            if timestamped:
                entrances["collect_with_timestamp"] = "record, time"
            for function, parameters in entrances.items():
                with guard.method(code, head.id, function, parameters):
                    if record != parameters:
                        code.line("time = None")
                    with code.operator(head.id, "record"):
                        # What is measured goes by another function for a while.
                        if watched:
                            code.line(f"{name}({record})")
                        else:
                            head.write(writer, "record")
        with (
            code.function("process_batch", "records"),
            code.block(f"for {record} in records:"),
            code.operator(head.id, "record"),
        ):
            head.write(writer, "record")
        self._code = code
        namespace = writer.compile()
        self.process: Callable[..., None] = namespace["process"]
        self.entrances = {each: guard.made(namespace, each) for each in entrances} if guard is not None else {}
        if name:
            namespace[name] = self.process
            self.ways.append((partial(namespace.__setitem__, name), self.process))
        self.process_batch: Callable[[Any], None] = namespace["process_batch"]

    def inline(self) -> None:
        """Puts the code of short functions in place of their calls, from the next record on. Takes about 10 ms."""
        # What short jobs do not need is imported for others.
        from stream_engine.operators.inlining import inline

        inline(self._code)
        for name, method in self.entrances.items():
            assert self.guard is not None
            method.__code__ = self.guard.made(self._code.namespace, name).__code__
