"""The lines of a file on HDFS, each measured: hdfs_lines.py - URL."""

from __future__ import annotations

import sys

from totals import Total

from org.apache.flink.api.common.functions import MapFunction


class Length(MapFunction):
    def map(self, line):
        return len(line)


def main(factory):
    env = factory.get_execution_environment()
    env.read_text_file(sys.argv[1]).map(Length()).add_sink(Total())
    print(env.execute("Lines of HDFS").get_accumulator_result("total"))
