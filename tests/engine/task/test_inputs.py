"""Which channels of a subtask have ended, and the event time of each."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from stream_engine.api.environment import PythonStreamExecutionEnvironment
from stream_engine.configuration import Configuration
from stream_engine.graph.job_graph import job_graph
from stream_engine.task.inputs import Inputs

if TYPE_CHECKING:
    from collections.abc import Callable


class Unused:
    def execute(self, graph: Any, configuration: Any, job_name: str) -> Any:
        raise AssertionError


def inputs_of(build: Callable[[PythonStreamExecutionEnvironment], Any], task: int, index: int = 0) -> Inputs:
    env = PythonStreamExecutionEnvironment(Unused(), Configuration())
    build(env)
    graph = job_graph(env.graph, 2)
    return Inputs(graph, graph.tasks[task], index)


def shuffled(env: PythonStreamExecutionEnvironment) -> None:
    env.generate_sequence(1, 9).key_by(lambda number: number % 3).reduce(max).output()


def looped(env: PythonStreamExecutionEnvironment) -> None:
    loop = env.generate_sequence(1, 9).iterate()
    loop.close_with(loop.map(lambda number: number - 1).filter(lambda number: number > 0))


def test_time_is_that_of_the_slowest_channel_that_has_any() -> None:
    inputs = inputs_of(shuffled, 1)
    first, second = sorted(inputs.open)
    inputs.on_watermark(first, 10)
    assert inputs.watermark == -inf
    inputs.on_watermark(second, 7)
    assert inputs.watermark == 7
    assert not inputs.on_idle(second)
    assert inputs.watermark == 10
    inputs.on_watermark(second, 8)
    assert inputs.watermark == 8
    inputs.on_end(second)
    assert (inputs.watermark, inputs.ended) == (10, False)
    assert inputs.on_idle(first)
    inputs.on_end(first)
    assert inputs.ended


def test_a_mark_is_that_of_the_slowest_sender_that_has_not_ended() -> None:
    inputs = inputs_of(shuffled, 1)
    first, second = sorted(inputs.open)
    inputs.on_mark(first, 10)
    inputs.on_mark(second, 5)
    assert inputs.mark == 5
    inputs.on_end(second)
    assert inputs.mark == 10


def test_a_forward_exchange_has_the_channel_of_its_index_alone() -> None:
    def build(env: PythonStreamExecutionEnvironment) -> None:
        numbers = env.generate_sequence(1, 9)
        numbers.map(abs).union(numbers.map(str)).forward().output()

    assert {sender for _, sender in inputs_of(build, 1, index=1).open} == {1}


def test_the_head_of_a_loop_waits_for_the_loop_and_not_for_its_feedback() -> None:
    inputs = inputs_of(looped, 1)
    assert inputs.loop
    assert inputs.outside
    assert inputs.feedback
    assert not inputs.feedback & inputs.open
    for channel in list(inputs.open):
        inputs.on_end(channel)
    assert (inputs.outside, inputs.ended) == (False, False)
    inputs.loop = False
    assert inputs.ended
