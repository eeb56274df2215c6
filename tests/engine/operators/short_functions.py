"""Functions that the tests of inlining put into chains; in a file of their own, as their source is read."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

LIMIT = 3


class Plain:
    factor = 2

    def __init__(self) -> None:
        self.seen = 0

    def map(self, value):
        """Has a text."""
        return value * self.factor

    def count(self, value):
        self.seen += 1
        return value, self.seen

    def branches(self, value):
        if value > LIMIT:
            return "more"
        if value == LIMIT:  # noqa: SIM108 - the branches are what is tested
            text = "as much"
        else:
            text = "less"
        return text

    def nothing(self, value):
        self.last = value

    def at_times(self, value):
        if value % 2:
            return value

    def loop(self, value):
        total = 0
        for number in range(value):
            if number == 2:
                continue
            if number > 4:
                break
            total += number
        return total

    def several_lines(self, value):
        return (
            value + 1,
            10 // (value - 3),
        )

    def format(self, value):
        low, high = value - 1, value + 1
        return f"{low:>3}{high!r} {len(str(value))}"

    def chained(self, value):
        return (1 < value <= LIMIT and value) or not value


def asked(value):
    return value.where()


def large(value):
    return value.size > LIMIT


def words(line, collector):
    for word in line.split(","):
        if word:
            collector.collect((word, 1))


def twice(value, collector):
    collector.collect(value)
    collector.collect(value + 10)


def thrice(value, collector):
    for number in (1, 2):
        collector.collect(value + number)
    collector.collect(value)
    if value > 3:
        collector.collect(10 // (value - 4))


def first(one):
    return one[0]


def add(one, other):
    return one[0], one[1] + other[1]


def positive(value):
    return value > 0 and value < 7


def enclosed(limit):
    def below(value):
        return value < limit

    def change(new):
        nonlocal limit
        limit = new

    return below, change


def unbound():
    def below(value):
        return value < limit

    if LIMIT is None:
        limit = 1
    return below


same, again = lambda value: value + 1, lambda value: value + 1


class Kept:
    """Functions that are called as ever."""

    def helper(self, value):
        return value

    def calls_itself(self, value):
        return self.helper(value)

    def recurs(self, value):
        return value and self.recurs(value - 1)

    def shadows_builtin(self, value):
        return sum(value)

    def shadows_builtin_later(self, value):
        return max(value, 1)

    def calls_parameter(self, len):
        return len(1)

    def sorts_by_key(self, value):
        return sorted(value, key=self.helper)

    def calls_global(self, value):
        return first((value,))

    def logs(self, value):
        logging.getLogger("kept").info("%s", value)
        return value

    def logs_with_local(self, value):
        log = logging.getLogger
        log("kept").info("%s", value)
        return value

    def may_be_unassigned(self, value):
        if value != 2:
            found = value
        return found  # pyright: ignore[reportPossiblyUnboundVariable]

    def unassigned_after_loop(self, value):
        for number in range(value):
            last = number
        return last  # pyright: ignore[reportPossiblyUnboundVariable]

    def either(self, value):
        if value > 5:
            return "great"
        elif value > 2:
            value -= 1
        else:
            return "small"
        value += 10
        return value

    def tries(self, value):
        try:
            return 1 // value
        except ZeroDivisionError:
            return 0

    def within(self, value):
        while value > 2:
            value -= 1
        return value

    def comprehends(self, value):
        return [number * 2 for number in range(value)]

    def returns_in_loop(self, value):
        for number in range(9):
            if number == value:
                return number
        return None

    def has_default(self, value, other=1):
        return value + other

    def any_number(self, *values):
        return values

    def asks_for_locals(self, value):
        return sorted(locals())

    def uses_super(self, value):
        return super().__repr__() and value

    def __private(self):
        return 1

    def mangled(self, value):
        return self.__private() + value

    def writes_global(self, value):
        global LIMIT
        LIMIT = LIMIT
        return value

    @staticmethod
    def decorated(value):
        return value

    def makes_function(self, value):
        return (lambda: value)()

    def walks(self, value):
        return (other := value) + other

    def calls_what_it_has_made(self, value):
        call = self.helper
        return call(value)

    def calls_what_it_has_stored(self, value):
        value["log"] = self.helper
        return value["log"].info()

    def calls_what_a_loop_has_stored(self, value):
        for value.log in [self.helper]:
            pass
        return value.log.info()  # pyright: ignore[reportAttributeAccessIssue]


def with_new_code(value):
    return value


def _other(value):
    return value + 0


with_new_code.__code__ = _other.__code__.replace(co_firstlineno=with_new_code.__code__.co_firstlineno)
partly: Any = partial(add, (0, 0))


def sum(values):
    return len(values)


def change_builtin():
    global max
    max = min
