"""A host of subtasks that is nothing but lists: it shows that another host needs nothing of the worker processes."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

from stream_engine.api.environment import PythonStreamExecutionEnvironment
from stream_engine.api.time import Time, TimeCharacteristic
from stream_engine.api.watermarks import AscendingTimestampExtractor
from stream_engine.configuration import Configuration
from stream_engine.graph.job_graph import job_graph
from stream_engine.operators.accumulators import Accumulators
from stream_engine.operators.partitioning import write_target
from stream_engine.operators.tables import MemoryTables
from stream_engine.task.sources import pull_source
from stream_engine.task.subtask import Subtask
from stream_engine.task.timers import Timers
from stream_engine.wire.messages import Frame, Kind, packed_time
from stream_engine.wire.records import pack

if TYPE_CHECKING:
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.operators.tables import Tables


class ListHost:
    """Runs a plan whose sources are collections. ``lines`` is what came out, ``frames`` what is between subtasks."""

    def __init__(self, graph: JobGraph, configuration: Configuration | None = None) -> None:
        self.graph, self.lines = graph, []
        self.configuration = configuration or Configuration()
        self.frames: deque[tuple[int, int, int, Frame]] = deque()
        self.timers = Timers()
        slots = [ListSlot(self, index) for index in range(graph.slots)]
        self.subtasks = {
            (task.id, slot.index): Subtask(slot, graph, task)
            for task in reversed(graph.tasks)
            for slot in slots[: task.parallelism]
        }

    def run(self) -> list[str]:
        for subtask in self.subtasks.values():
            subtask.open()
        for subtask in self.subtasks.values():
            if subtask.task.head.is_source:
                reader = pull_source(subtask, {}, lambda: None)
                while (records := reader.read(2)) is not None:
                    subtask.process_source(records)
                subtask.finish()
        while self.frames:
            task, index, sender, frame = self.frames.popleft()
            self.subtasks[task, index].receive(sender, frame)
            while self.subtasks[task, index].ready:
                self.subtasks[task, index].work()
        assert all(subtask.finished for subtask in self.subtasks.values())
        return self.lines


class ListSlot:
    now = attempt = 0
    watched = False

    def __init__(self, host: ListHost, index: int) -> None:
        self.index, self._host = index, host
        self.configuration, self.accumulators = host.configuration, Accumulators()
        self.tables: Tables = MemoryTables()

    def guard(self, task: Any) -> None:
        """It has no threads."""

    def exits(self, task: Any) -> list[ListExit]:
        return [ListExit(self._host, self.index, exchange) for exchange in self._host.graph.outputs(task.id)]

    def acknowledge(self, channel: tuple[int, int]) -> None: ...

    def on_input(self, subtask: Any) -> None: ...

    def hold(self, holder: Any) -> None: ...

    def schedule(self, time: int, owner: Any, action: Any) -> None:
        self._host.timers.schedule(time, owner, action)

    def writer(self, sink: Any, parallelism: int, positions: Any = None) -> ListWriter:
        return ListWriter(self._host.lines)


class ListExit:
    exposes = passes = False
    callee = None

    def __init__(self, host: ListHost, index: int, exchange: Any) -> None:
        self.operator, self.selected = exchange.source, exchange.selected
        self._host, self._index, self._exchange = host, index, exchange
        self._target = host.graph.tasks[exchange.target_task]

    def write(self, chain: Any, record: str) -> None:
        width, receiver = self._target.parallelism, self._target.head.id
        target = write_target(chain, record, self._exchange.partitioner, receiver, width, self._index)
        chain.code.line(f"{chain.code.bind('send', self._send)}({target}, ({chain.with_time(record)}))")

    def _send(self, target: int, record: Any) -> None:
        self._put(target, Kind.DATA, pack([record]))

    def mark(self, time: int) -> None:
        self._tell(Kind.MARK, packed_time(time))

    def watermark(self, time: int) -> None:
        self._tell(Kind.WATERMARK, packed_time(time))

    def idle(self) -> None:
        self._tell(Kind.IDLE)

    def end(self) -> None:
        self._tell(Kind.END)

    def _tell(self, kind: Kind, payload: bytes = b"") -> None:
        for target in range(self._target.parallelism):
            self._put(target, kind, payload)

    def _put(self, target: int, kind: Kind, payload: bytes) -> None:
        self._host.frames.append((self._target.id, target, self._index, Frame(kind, self._exchange.id, payload)))


class ListWriter:
    buffers = False

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def write(self, lines: list[str]) -> None:
        self._lines.extend(lines)

    def flush(self) -> None: ...

    def position(self) -> None: ...

    def complete(self, position: int) -> None: ...

    def close(self) -> None: ...


class Unused:
    def execute(self, graph: Any, configuration: Any, job_name: str) -> Any: ...


class Exact(AscendingTimestampExtractor):
    def extractAscendingTimestamp(self, element: Any) -> int:
        return element[1]


@pytest.mark.parametrize("parallelism", [1, 2, 3])
def test_windows_of_event_time_behind_an_exchange_fire_in_a_host_of_lists(parallelism: int) -> None:
    env = PythonStreamExecutionEnvironment(Unused(), Configuration())
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    (
        env.from_collection([("a", 1), ("b", 4), ("a", 7), ("a", 12), ("b", 19), ("a", 25)])
        .assign_timestamps_and_watermarks(Exact())
        .key_by(lambda value: value[0])
        .time_window(Time.milliseconds(10))
        .apply(lambda key, window, values, out: out.collect((window.start, key, [time for _, time in values])))
        .map(str)
        .set_parallelism(parallelism)
        .output()
        .set_parallelism(parallelism)
    )
    graph = job_graph(env.graph, parallelism)
    assert len(graph.exchanges) == 2 * (parallelism > 1)

    lines = ListHost(graph).run()

    assert sorted(line.rpartition("> ")[2] for line in lines) == [
        "(0, 'a', [1, 7])",
        "(0, 'b', [4])",
        "(10, 'a', [12])",
        "(10, 'b', [19])",
        "(20, 'a', [25])",
    ]


@pytest.mark.parametrize("inlines", [True, False])
def test_functions_are_inlined_after_many_records_where_the_option_says_so(
    inlines: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = Configuration({"pipeline.inline-functions": inlines})
    monkeypatch.setattr("stream_engine.task.subtask._MANY", 4)
    env = PythonStreamExecutionEnvironment(Unused(), configuration)
    env.from_collection(list(range(9))).filter(lambda value: value > 3).map(lambda value: value * 2).output()
    host = ListHost(job_graph(env.graph, 1), configuration)
    chain = host.subtasks[0, 0].chain
    code = chain.process_batch.__code__

    assert host.run() == ["8", "10", "12", "14", "16"]

    called = {name.partition("_")[0] for name in chain.process_batch.__code__.co_names}
    assert ({"map", "filter"} <= called, chain.process_batch.__code__ is code) == (not inlines, not inlines)


def test_the_task_layer_needs_nothing_of_the_worker_processes() -> None:
    source = "import sys, stream_engine.task.subtask, stream_engine.task.sources, stream_engine.wire.records\n"
    source += "print([name for name in sys.modules if name.startswith('stream_engine.local')])"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
