"""Parallel Execution: how many instances run, and who says so."""

from __future__ import annotations

from ast import literal_eval
from collections import Counter

import pytest
from guided import Guide, Run
from launched import Command

WORD_COUNT = r"""
import sys
from org.apache.flink.api.common.functions import FlatMapFunction, ReduceFunction, RichMapFunction
from org.apache.flink.api.java.functions import KeySelector
from org.apache.flink.streaming.api.functions.source import RichParallelSourceFunction
from org.apache.flink.streaming.api.windowing.time.Time import milliseconds

class Text(RichParallelSourceFunction):
    def run(self, ctx):
        for number in range(100):
            ctx.collect("word%d of instance%d" % (number, self.getRuntimeContext().getIndexOfThisSubtask()))
    def cancel(self):
        pass

class Tokenizer(FlatMapFunction):
    def flatMap(self, value, collector):
        for word in value.lower().split():
            collector.collect((1, word))

class Selector(KeySelector):
    def getKey(self, input):
        return input[1]

class Sum(ReduceFunction):
    def reduce(self, input1, input2):
        return (input1[0] + input2[0], input1[1])

class Instances(RichMapFunction):
    def map(self, value):
        context = self.getRuntimeContext()
        return context.getIndexOfThisSubtask(), context.getNumberOfParallelSubtasks()

def main(factory):
    env = factory.get_execution_environment()
    for parallelism in sys.argv[1:]:
        env.set_parallelism(int(parallelism))
    text = env.create_python_source(Text())
    text.flat_map(Tokenizer()) \
        .key_by(Selector()) \
        .time_window(milliseconds(30)) \
        .reduce(Sum()) \
        .output()
    numbers = env.generate_sequence(1, 600)
    numbers.map(Instances()).output("default")
    numbers.map(Instances()).set_parallelism(2).map(lambda instance: instance).output("operator")
    env.execute()
"""


def instances(records: list[str]) -> set[tuple[int, int]]:
    """The (index, parallelism) pairs that wrote."""
    return set(map(literal_eval, records))


def every_one_of(parallelism: int) -> set[tuple[int, int]]:
    return {(index, parallelism) for index in range(parallelism)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The environment says 3, the command line 1."""
    return Guide(Command(tmp_path_factory.mktemp("parallel"))).run(WORD_COUNT, 1, 3)


def test_parallel_execution_environment_level(run: Run) -> None:
    """All operators, the source and the sink run three times; each record is processed by one of them."""
    counts: Counter[str] = Counter()
    for _, record in run.numbered():
        if record.startswith("("):
            count, word = literal_eval(record)
            counts[word] += count
    assert {word: count for word, count in counts.items() if "instance" in word} == {
        f"instance{index}": 100 for index in range(3)
    }
    assert counts["of"] == 300
    assert {counts[f"word{number}"] for number in range(100)} == {3}
    assert run.subtasks() == {1, 2, 3}
    assert instances(run.records("default")) == every_one_of(3)
    assert len(run.records("default")) == 600


def test_parallel_execution_operator_overrides_the_environment(run: Run) -> None:
    assert instances(run.records("operator")) == every_one_of(2)
    assert len(run.records("operator")) == 600


@pytest.mark.parametrize(
    ("configured", "params", "expected"),
    [("parallelism.default: 3", [], 3), ("parallelism: {default: 2}", [], 2), ("parallelism.default: 4", [3], 3)],
)
def test_parallel_execution_system_level(guide: Guide, configured: str, params: list[int], expected: int) -> None:
    """The file counts for every environment that sets nothing itself."""
    guide.write("conf/flink-conf.yaml", configured + "\n")
    run = guide.succeed(guide.write("program.py", WORD_COUNT), "-", *params)
    assert instances(run.records("default")) == every_one_of(expected)
    assert run.subtasks("default") == set(range(1, expected + 1))
