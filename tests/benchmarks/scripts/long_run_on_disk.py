"""Counts so many keys, one after the other, as fast as it can: long_run_on_disk.py - SECONDS METER KEYS.

See long_run.py for SECONDS and METER.
"""

from __future__ import annotations

import sys
import time

from long_run import Meter
from totals import TotalOfFirst

from org.apache.flink.streaming.api.functions.source import SourceFunction


class Keys(SourceFunction):
    def __init__(self, seconds, keys):
        self._running = True
        self._seconds = seconds
        self._keys = keys
        self._next = 0

    def run(self, ctx):
        end = time.monotonic() + self._seconds
        while self._running and time.monotonic() < end:
            with ctx.get_checkpoint_lock():
                for _ in range(100):
                    ctx.collect((self._next % self._keys, 1))
                    self._next += 1

    def cancel(self):
        self._running = False

    def snapshot_state(self):
        return self._next

    def restore_state(self, state):
        self._next = state


def main(factory):
    seconds, path, keys = float(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    env = factory.get_execution_environment()
    pairs = env.create_python_source(Keys(seconds, keys))
    counts = pairs.key_by(lambda pair: pair[0]).reduce(lambda a, b: (a[0], a[1] + b[1]))
    counts.map(Meter(path)).add_sink(TotalOfFirst())
    env.execute("Long run on disk")
