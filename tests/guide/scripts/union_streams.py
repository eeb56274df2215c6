"""Three streams become one; the first is in it twice."""

from __future__ import annotations


def main(factory):
    env = factory.get_execution_environment()
    rivers = env.from_elements("Aare", "Reuss")
    rivers.union(env.from_elements("Rhine"), rivers).map(str.lower).output()
    env.execute("union")
