"""The loop that split_union.py would be if one wrote it by hand: split_union_bare.py NUMBERS."""

from __future__ import annotations

import sys

from split_union import Half, Parity, TripleAndOne
from totals import Total


def main(numbers):
    sink = Total()
    select, half, triple_and_one, invoke = Parity().select, Half().map, TripleAndOne().map, sink.invoke
    for number in range(1, numbers + 1):
        names = select(number)
        if "even" in names:
            invoke(half(number))
        if "odd" in names:
            invoke(triple_and_one(number))
    print(sink.total)


main(int(sys.argv[1]))
