"""One record, to standard output."""

from __future__ import annotations


def main(factory):
    env = factory.get_execution_environment()
    env.from_elements("Hello World").output()
    env.execute("Hello")
