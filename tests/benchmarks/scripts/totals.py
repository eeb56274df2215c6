"""The sinks of the benchmarks: they keep a sum, by which the results of contestants are compared, and no record."""

from __future__ import annotations

from org.apache.flink.api.common.accumulators import LongCounter
from org.apache.flink.streaming.api.functions.sink import RichSinkFunction


class Total(RichSinkFunction):
    """Of records that are numbers. The job's result has it as its accumulator ``total``."""

    total = 0

    def invoke(self, value):
        self.total += value

    def close(self):
        self.getRuntimeContext().add_accumulator("total", LongCounter(self.total))


class TotalOfFirst(Total):
    """Of records that are tuples, of which the first field is a number."""

    def invoke(self, value):
        self.total += value[0]
