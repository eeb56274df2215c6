"""The elements of a list, of a tuple and of a generator."""

from __future__ import annotations


def halves():
    for number in range(1, 4):
        yield number / 2


def main(factory):
    env = factory.get_execution_environment()
    env.from_collection([1, "two", 3.0]).output()
    env.from_collection((b"four", None)).output()
    env.from_collection(halves()).output()
    env.execute("from collection")
