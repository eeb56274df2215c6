"""Lines of a file, each changed, to a file or a directory of files: text_to_text.py - FILE OUTPUT."""

from __future__ import annotations

import sys

from org.apache.flink.api.common.functions import MapFunction


class SwapCase(MapFunction):
    def map(self, line):
        return line.swapcase()


def main(factory):
    path, output = sys.argv[1:]
    env = factory.get_execution_environment()
    env.read_text_file(path).map(SwapCase()).write_as_text(output)
    env.execute("Text to text")
