"""Functions whose code workers put into their chains: their errors are reported as if they were called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from launched import ROOT

if TYPE_CHECKING:
    from here import Here
    from launched import Command

FAILING = """
    import sys
    from org.apache.flink.api.common.functions import FilterFunction, FlatMapFunction, MapFunction, ReduceFunction
    from org.apache.flink.api.java.functions import KeySelector
    from org.apache.flink.streaming.api.collector.selector import OutputSelector
    from org.apache.flink.streaming.api.functions.sink import SinkFunction
    from org.apache.flink.streaming.api.functions.source import SourceFunction

    PLACE = sys.argv[1]
    MANY = 120_000

    class Numbers(SourceFunction):
        def run(self, ctx):
            code = ctx.collect.__code__
            number = 0
            # Functions have been inlined, or never will be.
            while ctx.collect.__code__ is code and (INLINED or number < 1000):
                ctx.collect(number)
                number += 1
            ctx.collect(-1)
        def cancel(self):
            pass

    class Spread(FlatMapFunction):
        def flatMap(self, value, collector):
            for part in (value,
                         value if PLACE != "flat_map" or value >= 0 else value.nothing):
                collector.collect(
                    (part % 10, part))

    class Shifted(MapFunction):
        def map(self, pair):
            if PLACE == "map" and pair[1] < 0:
                return pair[0], (pair[1] + 1) // ((pair[1] + 1)
                                                  * 2)
            return pair

    class Kept(FilterFunction):
        def filter(self, pair):
            return pair[1] >= 0 or PLACE != "filter" or pair[7]

    class All(OutputSelector):
        def select(self, pair):
            return ["all"] if PLACE != "split" or pair[1] >= 0 else ["all", pair["name"]]

    class Digit(KeySelector):
        def getKey(self, pair):
            return pair[0] if PLACE != "key" or pair[1] >= 0 else pair[0][1]

    class Total(ReduceFunction):
        def reduce(self, one, other):
            return one[0], one[1] + (other[1] if other[1] >= 0 or PLACE != "reduce" else "text")

    class Last(SinkFunction):
        def invoke(self, pair):
            self.last = pair[1] if PLACE != "sink" or pair[1] % 7 or pair[1] < 1_000_000 else pair[2]

    def main(factory):
        global INLINED
        env = factory.get_execution_environment()
        if sys.argv[2] == "pushed":
            values = env.create_python_source(Numbers())
        else:
            values = env.generate_sequence(0, MANY).map(lambda value: -1 if value == MANY else value)
        pairs = values.flat_map(Spread()).map(Shifted()).filter(Kept())
        pairs.split(All()).select("all").key_by(Digit()).reduce(Total()).add_sink(Last())
        env.execute()

    INLINED = sys.argv[3] == "true"
"""

# What the line that fails has.
LINES = {
    "flat_map": "value.nothing",
    "map": "return pair[0], (",
    "filter": "pair[7]",
    "split": 'pair["name"]',
    "key": "pair[0][1]",
    "reduce": 'else "text"',
    "sink": "else pair[2]",
}


@pytest.mark.parametrize(
    ("place", "source"),
    # A sum depends on how many records there were.
    [(place, source) for place in LINES for source in ("pulled", "pushed") if (place, source) != ("sink", "pushed")],
)
def test_the_report_is_the_same_as_that_of_called_functions(here: Here, place: str, source: str) -> None:
    reports: list[str] = []
    for inlined in ("true", "false"):
        options = ["-D", f"pipeline.inline-functions={inlined}"]
        # A pushing thread may still be on its way out when its error is reported.
        options += [] if source == "pushed" else ["--traceback", "full"]
        done = here.run(FAILING, *options, "-", place, source, inlined)
        assert done.code == 1
        text = re.sub(r"\b[0-9a-f]{32}\b", "JOB", done.err)
        if source == "pushed":
            text = re.sub(r'  File "[^"]+", line \d+, in run\n +ctx.collect\(-1\)\n( +[~^]+\n)?', "", text)
            text = re.sub(r"\((\d), \d+\)", r"(\1, N)", text)
        reports.append(text)
    assert reports[0] == reports[1]
    lines = (here.directory / "program.py").read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if LINES[place] in text)
    assert f'program.py", line {line}, in ' in reports[0]


# After 100,000 records functions are inlined on the quickest machine.
MANY = 120_000
SCRIPTS = ROOT / "tests" / "benchmarks" / "scripts"


@pytest.mark.parametrize(
    ("script", "parallelism", "arguments"),
    [
        ("map_filter_map", 1, [str(MANY)]),
        ("split_union", 1, [str(MANY)]),
        ("iterate", 1, [str(MANY)]),
        ("keyed_reduce", 2, [str(2 * MANY), "10"]),
        ("python_source", 1, ["3000000"]),
        ("word_count", 1, ["words.txt"]),
        ("word_count", 2, ["words.txt"]),
    ],
)
def test_all_functions_of_the_benchmarks_are_inlined(
    command: Command, script: str, parallelism: int, arguments: list[str]
) -> None:
    command.write("words.txt", "to be or not to be\n" * 2 * MANY)
    logged = f"""
        import logging, sys

        logging.basicConfig(level="DEBUG")
        sys.path.insert(0, {str(SCRIPTS)!r})

        def main(factory):
            import {script}
            {script}.main(factory)
    """
    program = command.write("program.py", logged)
    done = command.run("-p", parallelism, program, "-", *arguments)
    assert done.code == 0, done.err
    assert "DEBUG:stream_engine:inlines functions of task 1" in done.err
    called = set(re.findall("DEBUG:stream_engine:calls (.*)", done.err))
    # A split's selector is called once before it is in its place.
    assert called <= {"SplitOperator._checked_once.<locals>.select: it is internal"}
