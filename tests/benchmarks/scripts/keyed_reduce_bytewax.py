"""keyed_reduce.py for bytewax: python -m bytewax.run "keyed_reduce_bytewax:flow(RECORDS, KEYS)"."""

from __future__ import annotations

import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource

# Records that the source hands on at a time; of fewer it is slower.
BATCH = 10_000


def add(total, one):
    total = one if total is None else total + one
    return total, total


def flow(records, keys):
    flow = Dataflow("keyed_reduce")
    numbers = op.input("numbers", flow, TestingSource(range(records), BATCH))
    # Its keys are strings.
    pairs = op.map("pairs", numbers, lambda number: (str(number % keys), 1))
    counts = op.stateful_map("counts", pairs, add)
    last = str(keys - 1)
    shown = op.filter("last", counts, lambda pair: pair[0] == last)
    op.output("output", op.map("plain", shown, lambda pair: (int(pair[0]), pair[1])), StdOutSink())
    return flow
