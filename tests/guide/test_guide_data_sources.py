"""Data Sources: files, elements and sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from guided import Guide


@pytest.mark.parametrize("parallelism", [1, 2])
def test_data_sources_of_the_guide(guide: Guide, parallelism: int) -> None:
    """The example, with a sequence of which only the round numbers are shown."""
    lines = [f"line {number} of a text" for number in range(500)]
    path = guide.write("my textfile", "\n".join([*lines, "the last, unterminated: ü"]))
    run = guide.run(
        """
        import sys

        def main(factory):
            env  = factory.get_execution_environment()

            # read text file from local files system
            localLiens = env.read_text("file://" + sys.argv[1])
            localLiens.output("read_text")
            env.read_text_file("file://" + sys.argv[1]).output("read_text_file")
            env.read_text_file("my textfile").map(lambda line: type(line).__name__).output("type")

            # create a set from some given elements
            values = env.from_elements("Foo", "bar", "foobar", "fubar")
            values.output("elements")

            # generate a number sequence
            numbers = env.generate_sequence(1, 10000000)
            numbers.filter(lambda number: number == 1 or number % 2500000 == 0).output("sequence")
            env.execute()
        """,
        parallelism,
        path,
    )
    assert run.records("read_text") == sorted([*lines, "the last, unterminated: ü"])
    assert run.records("read_text_file") == run.records("read_text")
    assert run.records("type") == ["str"] * 501
    assert run.records("elements") == ["Foo", "bar", "foobar", "fubar"]
    assert run.records("sequence") == ["1", "10000000", "2500000", "5000000", "7500000"]


def test_data_sources_generate_sequence_in_parallel(guide: Guide) -> None:
    """Each instance of the source makes numbers of its own, and all of them together every one once."""
    run = guide.run(
        """
        from org.apache.flink.api.common.functions import RichMapFunction

        class Where(RichMapFunction):
            def map(self, value):
                return "%d in %s" % (value, self.getRuntimeContext().getIndexOfThisSubtask())

        def main(factory):
            env = factory.get_execution_environment()
            env.generate_sequence(1, 100).forward().map(Where()).output()
            env.execute()
        """,
        2,
    )
    made = [record.split(" in ") for record in run.records()]
    assert sorted(int(number) for number, _ in made) == list(range(1, 101))
    assert {index for _, index in made} == {"0", "1"}
