"""What the context tells functions of where, when and how often they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from here import Here

HEAD = """
from org.apache.flink.api.common.functions import AggregateFunction, RichMapFunction
from org.apache.flink.api.common.restartstrategy import RestartStrategies
from org.apache.flink.api.common.state import AggregatingStateDescriptor
from org.apache.flink.streaming.api import TimeCharacteristic
from org.apache.flink.streaming.api.functions.sink import SinkFunction
from org.apache.flink.streaming.api.functions.source import SourceFunction
"""
MODES = pytest.mark.parametrize("mode", [("-p", 1), ("-p", 2), ("--local-debug",)])


def lines(here: Here, script: str, *args: str | int) -> list[str]:
    done = here.run(HEAD + script, *args)
    assert (done.code, done.err) == (0, "")
    return done.lines


@MODES
def test_a_sink_learns_the_time_of_its_record_and_its_own(here: Here, mode: tuple[str | int, ...]) -> None:
    script = """
import time

class Timed(SourceFunction):
    def run(self, ctx):
        for number in range(3):
            ctx.collectWithTimestamp(number, number * 1000)
            ctx.emitWatermark(number * 1000)

    def cancel(self):
        pass

class Sink(SinkFunction):
    def invoke(self, value, context):
        assert abs(context.currentProcessingTime() - time.time() * 1000) < 60_000
        assert context.current_processing_time() == context.currentProcessingTime()
        assert (context.timestamp(), context.currentWatermark()) == (context.timestamp(), context.current_watermark())
        print(value, context.timestamp(), context.current_watermark())

def main(factory):
    env = factory.get_execution_environment()
    env.add_source(Timed()).map(lambda value: value).set_parallelism(1).add_sink(Sink()).set_parallelism(1)
    env.execute()
"""
    assert lines(here, script, *mode) == [f"0 0 {-(2**63)}", "1 1000 0", "2 2000 1000"]


def test_a_sink_of_records_without_event_time_is_told_so(here: Here) -> None:
    script = """
def main(factory):
    env = factory.get_execution_environment()
    env.from_elements(1).add_sink(lambda value, context: print(context.timestamp(), context.current_watermark()))
    env.execute()
"""
    assert lines(here, script) == [f"None {-(2**63)}"]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_source_that_is_idle_does_not_hold_back_time(here: Here, parallelism: int) -> None:
    """The silent source ends only when the other one's window has fired: without idleness this would never end."""
    script = """
import os, time

def wait():
    while not os.path.exists(__file__ + '.fired'):
        time.sleep(0.01)

class Silent(SourceFunction):
    def run(self, ctx):
        ctx.markAsTemporarilyIdle()
        wait()

    def cancel(self):
        pass

class Open(SourceFunction):
    def run(self, ctx):
        ctx.collect_with_timestamp(("k", 1), 1)
        ctx.emit_watermark(99)
        wait()

    def cancel(self):
        pass

def fired(value):
    open(__file__ + '.fired', "w").close()
    return value

def main(factory):
    env = factory.get_execution_environment()
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    both = env.add_source(Open()).union(env.add_source(Silent()))
    both.key_by(lambda v: v[0]).time_window(10).reduce(lambda a, b: a).map(fired).add_sink(print)
    env.execute()
"""
    assert lines(here, script, "-p", parallelism) == ["('k', 1)"]


def test_a_function_learns_how_often_its_job_was_restarted(here: Here) -> None:
    script = """
class Unsteady(RichMapFunction):
    def map(self, value):
        if self.runtimeContext.attemptNumber < 2:
            raise ValueError("again")
        return self.getRuntimeContext().get_attempt_number()

def main(factory):
    env = factory.get_execution_environment()
    env.set_restart_strategy(RestartStrategies.fixed_delay_restart(3, 1))
    env.from_elements(1).map(Unsteady()).output()
    env.execute()
"""
    done = here.run(HEAD + script)
    assert (done.code, done.lines) == (0, ["2"])


@MODES
def test_a_function_learns_the_settings_of_its_job(here: Here, mode: tuple[str | int, ...]) -> None:
    script = """
class Settings(RichMapFunction):
    def map(self, value):
        context = self.getRuntimeContext()
        config = context.getExecutionConfig()
        return (
            config.getParallelism(), config.isObjectReuseEnabled(), config.autoWatermarkInterval,
            config.get_global_job_parameters().get("my.key"), context.attemptNumber,
            context.maxNumberOfParallelSubtasks == config.maxParallelism >= 128,
        )

def main(factory):
    env = factory.get_execution_environment().set_parallelism(2)
    env.from_elements(1).map(Settings()).set_parallelism(1).add_sink(print).set_parallelism(1)
    env.execute()
"""
    options = ("-D", "pipeline.object-reuse=true", "-D", "my.key=v")
    done = here.run(HEAD + script, *options, *mode)
    assert (done.code, done.lines) == (0, ["(2, True, 200, 'v', 0, True)"])


@pytest.mark.parametrize("spelling", ["createAccumulator getResult", "create_accumulator get_result"])
@MODES
def test_aggregating_state_adds_up_by_key(here: Here, mode: tuple[str | int, ...], spelling: str) -> None:
    create, result = spelling.split()
    script = f"""
class Mean(AggregateFunction):
    def {create}(self):
        return [0, 0]

    def add(self, value, accumulator):
        accumulator[0] += value
        accumulator[1] += 1
        return accumulator

    def {result}(self, accumulator):
        return accumulator[0] / accumulator[1]

class Means(RichMapFunction):
    def open(self, config):
        self.mean = self.getRuntimeContext().getAggregatingState(AggregatingStateDescriptor("mean", Mean(), None))

    def map(self, pair):
        before = self.mean.get()
        self.mean.add(pair[1])
        return pair[0], before, self.mean.get()

def main(factory):
    env = factory.get_execution_environment()
    pairs = env.from_elements(("a", 1), ("b", 10), ("a", 2), ("a", 6))
    pairs.key_by(lambda pair: pair[0]).map(Means()).add_sink(print)
    env.execute()
"""
    expected = ["('a', 1.0, 1.5)", "('a', 1.5, 3.0)", "('a', None, 1.0)", "('b', None, 10.0)"]
    assert sorted(lines(here, script, *mode)) == expected
