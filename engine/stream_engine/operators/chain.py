"""A task's operators fused into one generated loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.operators.code import Count
from stream_engine.operators.watermarks import Watermarks
from stream_engine.operators.writer import ChainWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from stream_engine.graph.job_graph import Task
    from stream_engine.operators.operator import Operator
    from stream_engine.operators.writer import Output


class Chain:
    """A compiled chain. ``process`` takes one record, ``process_batch`` an iterable of them.

    Where the job is ``timestamped``, ``process`` takes a record and its time (None: it has none yet), and
    ``process_batch`` pairs of them. Where it is ``watched``, ``pushed`` counts the records that a source gives to
    ``process``.
    """

    def __init__(
        self,
        task: Task,
        operators: Sequence[Operator],
        outputs: Sequence[Output],
        reuse: bool,
        timestamped: bool = False,
        watched: bool = False,
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
        with (
            code.function("process_batch", "records"),
            code.block(f"for {record} in records:"),
            code.operator(head.id, "record"),
        ):
            head.write(writer, "record")
        namespace = writer.compile()
        self.process: Callable[..., None] = namespace["process"]
        self.process_batch: Callable[[Any], None] = namespace["process_batch"]
