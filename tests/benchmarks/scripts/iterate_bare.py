"""The loop that iterate.py would be if one wrote it by hand, with a queue for it: iterate_bare.py NUMBERS."""

from __future__ import annotations

import sys
from collections import deque

from iterate import Done, Left, OneLess, Rounds
from totals import TotalOfFirst


def main(numbers):
    sink = TotalOfFirst()
    rounds, one_less, left, done, invoke = Rounds().map, OneLess().map, Left().filter, Done().filter, sink.invoke
    looping = deque()
    for number in range(1, numbers + 1):
        looping.append(rounds(number))
        while looping:
            value = one_less(looping.popleft())
            if left(value):
                looping.append(value)
            if done(value):
                invoke(value)
    print(sink.total)


main(int(sys.argv[1]))
