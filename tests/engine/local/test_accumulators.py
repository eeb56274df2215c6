"""Accumulators of all functions and workers reach the job's result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stream_engine.accumulators import Accumulator, IntCounter, LongCounter
from stream_engine.api.functions import RichFilterFunction, RichMapFunction
from stream_engine.job import JobExecutionException
from stream_engine.local.accumulators import packed, results
from stream_engine.operators.accumulators import Accumulators

if TYPE_CHECKING:
    from here import Here
    from launched import Jobs

widths = pytest.mark.parametrize("parallelism", [1, 2])

COUNTING = """
    from org.apache.flink.api.common.accumulators import Accumulator, IntCounter
    from org.apache.flink.api.common.functions import RichMapFunction, RichFilterFunction, RichReduceFunction
    from org.apache.flink.api.common.state import ValueStateDescriptor
    from org.apache.flink.streaming.api.functions.sink import RichSinkFunction
    from org.apache.flink.streaming.api.functions.source import RichSourceFunction

    class Seen(Accumulator):
        def __init__(self):
            self.values = set()
        def add(self, value):
            self.values.add(value)
        def merge(self, other):
            self.values |= other.values
        def getLocalValue(self):
            return sorted(self.values)

    class Numbers(RichSourceFunction):
        def open(self, config):
            self.made = IntCounter()
            self.getRuntimeContext().addAccumulator("made", self.made)
        def run(self, ctx):
            for number in range(10):
                self.made.add(1)
                ctx.collect(number)
        def cancel(self):
            pass

    class Nth(RichMapFunction):
        def open(self, config):
            context = self.getRuntimeContext()
            self.count = context.getState(ValueStateDescriptor("count", int, 0))
            context.addAccumulator("calls", IntCounter())
            context.addAccumulator("keys", Seen())
        def map(self, value):
            context = self.getRuntimeContext()
            context.getAccumulator("calls").add(1)
            context.getAccumulator("keys").add(value % 3)
            self.count.update(self.count.value() + 1)
            return value % 3, self.count.value()

    class Counted(RichSinkFunction):
        def open(self, config):
            self.calls = IntCounter()
            self.getRuntimeContext().add_accumulator("calls", self.calls)
        def invoke(self, value):
            self.calls.add(100)

    def main(factory):
        env = factory.get_execution_environment()
        nth = env.create_python_source(Numbers()).key_by(lambda value: value % 3).map(Nth())
        nth.add_sink(Counted())
        nth.output()
        result = env.execute()
        print(sorted(result.get_all_accumulator_results().items()))
        print(result.get_accumulator_result("made"), result.get_accumulator_result("unheard of"))
"""


@widths
def test_state_and_accumulators_through_the_command(here: Here, parallelism: int) -> None:
    *output, accumulators, made = here.lines(COUNTING, "-p", parallelism)
    nth = sorted(line.rpartition("> ")[2] for line in output)
    assert nth == [f"(0, {n})" for n in (1, 2, 3, 4)] + [f"({key}, {n})" for key in (1, 2) for n in (1, 2, 3)]
    assert accumulators == "[('calls', 1010), ('keys', [0, 1, 2]), ('made', 10)]"
    assert made == "10 None"


def test_state_on_a_stream_without_keys_fails_the_job_and_names_the_function(here: Here) -> None:
    done = here.run(COUNTING.replace(".key_by(lambda value: value % 3)", ""))
    assert done.code == 1
    assert "ValueState is not available here: state is kept per key" in done.err
    assert "in operator 'Map: Nth'" in done.err
    assert "while it was being opened" in done.err


def test_a_job_without_accumulators_has_none(jobs: Jobs) -> None:
    env = jobs.environment(2)
    env.generate_sequence(1, 10).map(lambda value: value)
    assert env.execute().get_all_accumulator_results() == {}


@widths
def test_each_job_counts_anew(jobs: Jobs, parallelism: int) -> None:
    class Counted(RichMapFunction):
        def open(self, config: Any) -> None:
            self.calls = IntCounter()
            self.get_runtime_context().add_accumulator("calls", self.calls)

        def map(self, value: int) -> int:
            self.calls.add(1)
            return value

    for records in (10, 20):
        env = jobs.environment(parallelism)
        env.generate_sequence(1, records).map(Counted())
        assert env.execute().get_accumulator_result("calls") == records


@widths
def test_an_accumulator_of_a_local_class_is_merged(jobs: Jobs, parallelism: int) -> None:
    class Largest(Accumulator):
        def __init__(self) -> None:
            self.value = 0

        def add(self, value: int) -> None:
            self.value = max(self.value, value)

        def merge(self, other: Largest) -> None:
            self.add(other.value)

        def get_local_value(self) -> int:
            return self.value

    class Measured(RichFilterFunction):
        def open(self, config: Any) -> None:
            self.get_runtime_context().add_accumulator("largest", Largest())

        def filter(self, value: int) -> bool:
            self.get_runtime_context().get_accumulator("largest").add(value)
            return False

    env = jobs.environment(parallelism)
    env.generate_sequence(1, 100).filter(Measured())
    assert env.execute().get_accumulator_result("largest") == 100


@widths
@pytest.mark.parametrize("spelling", ["get_{}_counter", "get{}Counter"])
def test_counters_are_made_where_they_are_asked_for(jobs: Jobs, parallelism: int, spelling: str) -> None:
    """At the first record, say; each function has its own, and the job's result the sum of all."""
    camel = spelling == "get{}Counter"
    ways = [spelling.format(kind.capitalize() if camel else kind) for kind in ("int", "long", "double")]

    class Counted(RichMapFunction):
        def map(self, value: int) -> int:
            for way in ways:
                counter = getattr(self.get_runtime_context(), way)(way)
                counter.add(value)
                assert self.get_runtime_context().get_accumulator(way) is counter
            return value

    env = jobs.environment(parallelism)
    env.generate_sequence(1, 100).map(Counted()).map(Counted())
    results = env.execute().get_all_accumulator_results()
    assert results == dict.fromkeys(ways, 2 * 5050)
    assert [type(results[way]) for way in ways] == [int, int, float]


def adding(name: str, *accumulators: Any) -> Any:
    """A map that adds accumulators under one name."""

    class Adding(RichMapFunction):
        def open(self, config: Any) -> None:
            for accumulator in accumulators:
                self.get_runtime_context().add_accumulator(name, accumulator)

        def map(self, value: Any) -> Any:
            self.get_runtime_context().get_accumulator("calls").add(1)
            return value

    return Adding()


def failure(jobs: Jobs, *functions: Any) -> str:
    env = jobs.environment()
    stream: Any = env.from_collection([1])
    for function in functions:
        stream = stream.map(function)
    with pytest.raises(JobExecutionException) as caught:
        env.execute()
    return str(caught.value)


def test_one_name_for_two_types_is_refused(jobs: Jobs) -> None:
    message = failure(jobs, adding("calls", IntCounter()), adding("calls", LongCounter()))
    assert "the accumulator 'calls' is an IntCounter here and a LongCounter in another function" in message
    assert "in operator 'Map: Adding'" in message


def test_a_counter_of_another_type_than_the_one_of_its_name_is_refused(jobs: Jobs) -> None:
    class Asking(RichMapFunction):
        def map(self, value: Any) -> Any:
            self.get_runtime_context().get_int_counter("calls")
            return self.get_runtime_context().get_double_counter("calls")

    assert "this function's accumulator 'calls' is of type IntCounter, not DoubleCounter" in failure(jobs, Asking())
    message = failure(jobs, adding("calls", LongCounter()), Asking())
    assert "the accumulator 'calls' is an IntCounter here and a LongCounter in another function" in message


def test_one_name_twice_in_a_function_is_refused(jobs: Jobs) -> None:
    message = failure(jobs, adding("calls", IntCounter(), IntCounter()))
    assert "this function has an accumulator 'calls' already: get_accumulator('calls') returns it" in message


def test_what_is_no_accumulator_is_refused(jobs: Jobs) -> None:
    assert "add_accumulator() takes a name and an Accumulator, not 'calls' and 0" in failure(jobs, adding("calls", 0))


def test_an_accumulator_that_was_not_added_is_not_found(jobs: Jobs) -> None:
    message = failure(jobs, adding("other", IntCounter()))
    assert "this function has no accumulator 'calls': add_accumulator() it first" in message


def test_what_cannot_be_pickled_is_named(jobs: Jobs) -> None:
    class Holding(IntCounter):
        def add(self, value: int) -> None:
            self.generator = (number for number in range(value))

    message = failure(jobs, adding("calls", Holding()))
    assert "the accumulator 'calls' cannot be sent to the script, as it cannot be pickled" in message


def test_an_accumulator_that_functions_share_counts_once() -> None:
    shared, accumulators = IntCounter(5), Accumulators()
    accumulators.add("calls", shared)
    accumulators.add("calls", shared)
    assert results([packed(accumulators)], "job") == {"calls": 5}


def test_workers_that_disagree_fail_the_job() -> None:
    def of(accumulator: Any) -> bytes:
        accumulators = Accumulators()
        accumulators.add("calls", accumulator)
        return packed(accumulators)

    with pytest.raises(JobExecutionException, match=r"(?s)'calls' is a LongCounter here.*accumulators of the workers"):
        results([of(IntCounter()), b"", of(LongCounter())], "job")
