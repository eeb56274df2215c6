"""Elements of several types, a list among them that is one element."""

from __future__ import annotations


def main(factory):
    env = factory.get_execution_environment()
    env.from_elements("one", 2, 3.5, True, [4, 5], ("six", 6)).output()
    env.execute("from elements")
