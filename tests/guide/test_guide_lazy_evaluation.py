"""Lazy Evaluation: main() makes a plan, execute() runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from guided import Guide


@pytest.mark.parametrize("parallelism", [1, 2])
def test_lazy_evaluation_loads_and_transforms_when_execute_is_called(guide: Guide, parallelism: int) -> None:
    """The file is written after the plan that reads it; what the plan's functions touch is not there before."""
    run = guide.run(
        """
        import os
        from org.apache.flink.streaming.api.functions.source import SourceFunction

        class Source(SourceFunction):
            def run(self, ctx):
                open("source", "w").close()
                ctx.collect("source")

            def cancel(self):
                pass

        def transform(value):
            open("transformation", "w").close()
            return value

        def main(factory):
            env = factory.get_execution_environment()
            lines = env.read_text_file("lines")
            lines.union(env.create_python_source(Source())).map(transform).output("record")
            with open("lines", "w") as file:
                file.write("late\\n")
            print("before:", sorted(os.listdir()), flush=True)
            env.execute()
            print("after:", sorted(os.listdir()))
        """,
        parallelism,
    )
    assert run.lines[0] == "before: ['lines', 'program.py']"
    assert run.lines[-1] == "after: ['lines', 'program.py', 'source', 'transformation']"
    assert run.records("record") == ["late", "source"]


def test_lazy_evaluation_runs_each_plan_at_its_own_execute(guide: Guide) -> None:
    run = guide.run(
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements("first").output()
            print("one plan", flush=True)
            env.execute()
            env.from_elements("second").output()
            print("another plan", flush=True)
            env.execute()
        """
    )
    assert run.lines == ["one plan", "first", "another plan", "second"]
