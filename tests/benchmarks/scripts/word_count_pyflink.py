"""word_count.py for PyFlink, with the settings that are its best: word_count_pyflink.py PARALLELISM FILE ..."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from pyflink.common import Configuration, Types, WatermarkStrategy
from pyflink.datastream import FilterFunction, StreamExecutionEnvironment
from pyflink.datastream.connectors.file_system import FileSource, StreamFormat


def tokenize(line):
    for word in line.lower().split():
        yield 1, word


def word(counted):
    return counted[1]


def add(counted, other):
    return counted[0] + other[0], counted[1]


class Total(FilterFunction):
    """Lets no record through, so that no sink in Java costs anything, and writes their total into a directory."""

    def __init__(self, directory):
        self.directory = directory

    def open(self, context):
        self.index = context.get_index_of_this_subtask()
        self.total = 0

    def filter(self, counted):
        self.total += counted[0]
        return False

    def close(self):
        # Not by print(), which PyFlink has replaced.
        Path(self.directory, str(self.index)).write_text(str(self.total))


def main(parallelism, *paths):
    config = Configuration()
    config.set_string("python.execution-mode", "process")
    config.set_integer("python.fn-execution.bundle.size", 100_000)
    # All words, so that no count is asked of the Java side again.
    config.set_integer("python.state.cache-size", 100_000)
    env = StreamExecutionEnvironment.get_execution_environment(config)
    env.set_python_executable(sys.executable)
    env.set_parallelism(int(parallelism))
    source = FileSource.for_record_stream_format(StreamFormat.text_line_format(), *paths).build()
    lines = env.from_source(source, WatermarkStrategy.no_watermarks(), "lines")
    words = lines.flat_map(tokenize, Types.TUPLE([Types.LONG(), Types.STRING()]))
    with tempfile.TemporaryDirectory() as totals:
        words.key_by(word).reduce(add).filter(Total(totals)).print()
        env.execute("Word count")
        print(sum(int(path.read_text()) for path in Path(totals).iterdir()))


main(*sys.argv[1:])
