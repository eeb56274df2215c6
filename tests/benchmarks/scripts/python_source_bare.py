"""The loop that python_source.py would be if one wrote it by hand: python_source_bare.py NUMBERS."""

from __future__ import annotations

import sys

from python_source import Numbers, Triple
from totals import Total


class Context:
    __slots__ = ("collect",)


def main(numbers):
    sink = Total()
    triple, invoke = Triple().map, sink.invoke

    def collect(number):
        invoke(triple(number))

    context = Context()
    context.collect = collect
    Numbers(numbers).run(context)
    print(sink.total)


main(int(sys.argv[1]))
