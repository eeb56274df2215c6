"""Counts words as fast as it can, rolling and in windows, for a while: long_run.py - SECONDS METER.

Each worker adds a line to the file METER about every second: its process id, the records that it has counted by then,
and the seconds of CPU time that it has used for them.
"""

from __future__ import annotations

import os
import sys
import time

from totals import TotalOfFirst
from word_count import Sum, Tokenizer, Word

from org.apache.flink.api.common.functions import RichMapFunction
from org.apache.flink.streaming.api.functions.source import ParallelSourceFunction
from org.apache.flink.streaming.api.windowing.time.Time import milliseconds


class Generator(ParallelSourceFunction):
    def __init__(self, seconds):
        self._running = True
        self._seconds = seconds

    def run(self, ctx):
        end = time.monotonic() + self._seconds
        number = 0
        while self._running and time.monotonic() < end:
            for _ in range(100):
                number += 1
                ctx.collect(f"The river goes by for word{number % 1000} and word{number % 7919}")

    def cancel(self):
        self._running = False


class Meter(RichMapFunction):
    def __init__(self, path):
        self._path = path
        self._count = 0
        self._next = 0.0

    def map(self, counted):
        self._count += 1
        if self._count % 1000 == 0 and time.monotonic() >= self._next:
            self._next = time.monotonic() + 1
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(f"{os.getpid()} {self._count} {time.process_time()}\n")
        return counted


def main(factory):
    seconds, path = float(sys.argv[1]), sys.argv[2]
    env = factory.get_execution_environment()
    counts = env.create_python_source(Generator(seconds)).flat_map(Tokenizer()).key_by(Word()).reduce(Sum())
    counts.map(Meter(path)).key_by(Word()).time_window(milliseconds(100)).reduce(Sum()).add_sink(TotalOfFirst())
    env.execute("Long run")
