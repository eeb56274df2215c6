"""The loop that word_count.py would be if one wrote it by hand, of the same four functions: word_count_bare.py FILE."""

from __future__ import annotations

import sys

from totals import TotalOfFirst
from word_count import Sum, Tokenizer, Word


class Collector:
    __slots__ = ("collect",)


def main(path):
    sink = TotalOfFirst()
    flat_map, get_key, reduce, invoke = Tokenizer().flatMap, Word().getKey, Sum().reduce, sink.invoke
    counts = {}

    def collect(counted):
        key = get_key(counted)
        if key in counts:
            counted = reduce(counts[key], counted)
        counts[key] = counted
        invoke(counted)

    collector = Collector()
    collector.collect = collect
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            flat_map(line.rstrip("\n"), collector)
    print(sink.total)


main(sys.argv[1])
