"""Two sinks that can be told apart on standard output."""

from __future__ import annotations


def main(factory):
    env = factory.get_execution_environment()
    temperatures = env.from_elements(-3, 21)
    temperatures.output("celsius")
    temperatures.map(lambda celsius: celsius + 273).output("kelvin")
    env.execute("output with an identifier")
