"""Functions whose code workers put into their chains: nobody who reads the report of an error can tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from launched import Launcher

FAILING = """
    import sys
    from org.apache.flink.api.common.functions import FilterFunction, FlatMapFunction, MapFunction, ReduceFunction
    from org.apache.flink.streaming.api.functions.sink import SinkFunction
    from org.apache.flink.streaming.api.functions.source import SourceFunction

    PLACE = sys.argv[1]
    MANY = 150_000

    class Numbers(SourceFunction):
        def run(self, ctx):
            code = ctx.collect.__code__
            number = 0
            # Functions are inlined, or never will be.
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
        pairs.key_by(lambda pair: pair[0]).reduce(Total()).add_sink(Last())
        env.execute()

    INLINED = sys.argv[3] == "true"
"""

# What the line has that fails.
LINES = {
    "flat_map": "value.nothing",
    "map": "return pair[0], (",
    "filter": "pair[7]",
    "reduce": 'else "text"',
    "sink": "else pair[2]",
}


@pytest.mark.parametrize(
    ("place", "source"),
    # What a sum is depends on how many records there were.
    [(place, source) for place in LINES for source in ("pulled", "pushed") if (place, source) != ("sink", "pushed")],
)
def test_the_report_is_the_same_as_that_of_called_functions(launcher: Launcher, place: str, source: str) -> None:
    reports: list[str] = []
    for inlined in ("true", "false"):
        done = launcher.run(FAILING, "-D", f"pipeline.inline-functions={inlined}", "-", place, source, inlined)
        assert done.code == 1
        # The value so far, which depends on how many records there are.
        text = re.sub(r"\b[0-9a-f]{32}\b", "JOB", done.err)
        reports.append(re.sub(r"\((\d), \d+\)", r"(\1, N)", text) if source == "pushed" else text)
    assert reports[0] == reports[1]
    lines = (launcher.directory / "program.py").read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if LINES[place] in text)
    assert f'program.py", line {line}, in ' in reports[0]
