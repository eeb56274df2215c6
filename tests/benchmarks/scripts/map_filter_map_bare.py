"""The loop that map_filter_map.py would be if one wrote it by hand: map_filter_map_bare.py NUMBERS."""

from __future__ import annotations

import sys

from map_filter_map import Even, Half, Triple
from totals import Total


def main(numbers):
    sink = Total()
    triple, even, half, invoke = Triple().map, Even().filter, Half().map, sink.invoke
    for number in range(1, numbers + 1):
        tripled = triple(number)
        if even(tripled):
            invoke(half(tripled))
    print(sink.total)


main(int(sys.argv[1]))
