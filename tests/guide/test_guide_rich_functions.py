"""Functions as classes, and the rich ones with their open() and close()."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from guided import Guide


def test_rich_functions_plain_ones_are_classes_that_are_sent_to_the_workers(guide: Guide) -> None:
    """What a function knew when it was passed goes along; what the script does to it later does not."""
    run = guide.run(
        """
        from org.apache.flink.api.common.functions import FilterFunction

        class Filter(FilterFunction):
            def filter(self, value):
                return value > 5

        class Above(FilterFunction):
            def __init__(self, limit):
                self.limit = limit

            def filter(self, value):
                return value > self.limit

        def main(factory):
            env = factory.get_execution_environment()
            data = env.generate_sequence(1, 8)
            data.filter(Filter()).output("five")
            above = Above(6)
            data.filter(above).output("six")
            above.limit = 7
            data.filter(above).output("seven")
            env.execute()
        """,
        2,
    )
    assert run.records("five") == ["6", "7", "8"]
    assert run.records("six") == ["7", "8"]
    assert run.records("seven") == ["8"]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_rich_functions_are_opened_before_the_first_record_and_closed_after_the_last(
    guide: Guide, parallelism: int
) -> None:
    run = guide.run(
        """
        from org.apache.flink.api.common.functions import RichMapFunction

        class Tokenizer(RichMapFunction):
            def open(self, config):
                self.calls = ["open"]

            def close(self):
                index = self.getRuntimeContext().getIndexOfThisSubtask()
                with open("calls%d" % (index + 1), "w") as file:
                    file.write(" ".join([*self.calls, "close"]))

            def map(self, value):
                self.calls.append("map")
                return value

        def main(factory):
            env = factory.get_execution_environment()
            env.generate_sequence(1, 10).map(Tokenizer()).output()
            env.execute()
        """,
        parallelism,
    )
    calls = [path.read_text() for path in guide.directory.glob("calls*")]
    each = 10 // parallelism
    assert calls == [" ".join(["open", *["map"] * each, "close"])] * parallelism
    assert sorted(map(int, run.records())) == list(range(1, 11))


def test_rich_functions_exist_for_every_kind_of_function(guide: Guide) -> None:
    guide.run(
        """
        from org.apache.flink.api.common.functions import (
            RichFilterFunction, RichFlatMapFunction, RichMapFunction, RichReduceFunction)
        from org.apache.flink.streaming.api.functions.sink import RichSinkFunction
        from org.apache.flink.streaming.api.functions.source import RichSourceFunction
        from org.apache.flink.streaming.api.functions.windowing import RichWindowFunction

        class Noted:
            def open(self, config):
                self.note("open")
            def close(self):
                self.note("close")
            def note(self, what):
                for name in (type(self).__name__, "all"):
                    with open(name, "a") as file:
                        file.write(what + " ")

        class Source(Noted, RichSourceFunction):
            def run(self, ctx):
                ctx.collect(1)
                ctx.collect(2)
            def cancel(self):
                pass
        class Map(Noted, RichMapFunction):
            def map(self, value):
                self.note("used")
                return value
        class FlatMap(Noted, RichFlatMapFunction):
            def flatMap(self, value, collector):
                self.note("used")
                collector.collect(value)
        class Filter(Noted, RichFilterFunction):
            def filter(self, value):
                self.note("used")
                return True
        class Reduce(Noted, RichReduceFunction):
            def reduce(self, input1, input2):
                self.note("used")
                return input1 + input2
        class Window(Noted, RichWindowFunction):
            def apply(self, key, window, values, collector):
                self.note("used")
                collector.collect(sum(values))
        class Sink(Noted, RichSinkFunction):
            def invoke(self, value):
                self.note("%d" % value)

        def main(factory):
            env = factory.get_execution_environment()
            records = env.create_python_source(Source()).map(Map()).flat_map(FlatMap()).filter(Filter())
            rolled = records.key_by(lambda value: 0).reduce(Reduce())
            rolled.key_by(lambda value: 0).count_window(2).apply(Window()).add_sink(Sink())
            env.execute()
        """
    )
    uses = {"Source": "", "Map": "used used ", "FlatMap": "used used ", "Filter": "used used "}
    uses |= {"Reduce": "used ", "Window": "used ", "Sink": "4 "}
    for name, use in uses.items():
        assert (name, (guide.directory / name).read_text()) == (name, f"open {use}close ")
    calls = (guide.directory / "all").read_text().split()
    assert calls[:7] == ["open"] * 7  # Of all of them, before the first record.
    assert calls.count("open") == 7
