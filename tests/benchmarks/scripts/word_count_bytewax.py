"""word_count.py for bytewax: python -m bytewax.run "word_count_bytewax:flow('FILE')"."""

from __future__ import annotations

import bytewax.operators as op
from bytewax.connectors.files import FileSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition


def tokenize(line):
    return [(word, 1) for word in line.lower().split()]


def add(count, one):
    count = one if count is None else count + one
    return count, count


class TotalPartition(StatelessSinkPartition):
    def __init__(self):
        self.total = 0

    def write_batch(self, items):
        self.total += sum(count for _, count in items)

    def close(self):
        print(self.total)


class TotalSink(DynamicSink):
    def build(self, step_id, worker_index, worker_count):
        return TotalPartition()


def flow(path):
    flow = Dataflow("word_count")
    lines = op.input("lines", flow, FileSource(path))
    words = op.flat_map("tokenize", lines, tokenize)
    counts = op.stateful_map("count", words, add)
    op.output("total", counts, TotalSink())
    return flow
