"""A sequence of numbers."""

from __future__ import annotations


def main(factory):
    env = factory.get_execution_environment()
    env.generate_sequence(-2, 5).output()
    env.execute("generate sequence")
