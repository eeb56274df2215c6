"""Program Skeleton: the parts that every program has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from guided import Guide


def test_program_skeleton_must_have_a_main(guide: Guide) -> None:
    run = guide.call(guide.write("program.py", "def start(factory): pass\n"))
    assert run.code == 1
    assert "program.py defines no main(factory)" in run.err


@pytest.mark.parametrize(
    ("call", "parallelism"),
    [
        ("get_execution_environment()", 2),
        ("create_local_execution_environment(Configuration())", 2),
        ("create_local_execution_environment(config)", 4),
        ("create_local_execution_environment(3, config)", 3),
    ],
)
def test_program_skeleton_obtains_an_environment_from_the_factory(guide: Guide, call: str, parallelism: int) -> None:
    program = """
        from org.apache.flink.configuration import Configuration
        def main(factory):
            config = Configuration()
            config.set_integer("parallelism.default", 4)
            env = factory.{call}
            env.generate_sequence(1, 1000).output()
            env.execute()
    """
    run = guide.run(program.replace("{call}", call), 2)
    assert run.subtasks() == set(range(1, parallelism + 1))
    assert sorted(map(int, run.records())) == list(range(1, 1001))


@pytest.mark.parametrize("parallelism", [1, 2])
def test_program_skeleton_reads_transforms_and_writes(guide: Guide, parallelism: int) -> None:
    """Lines of a file, doubled, in a new file, in one that exists, and on standard output."""
    lines = guide.write("lines", "to\nand\nfro\n")
    replaced = guide.write("replaced", "old\n")
    run = guide.run(
        """
        import sys
        from org.apache.flink.api.common.functions import MapFunction
        from org.apache.flink.core.fs.FileSystem import WriteMode

        class Doubler(MapFunction):
            def map(self, value):
                return value * 2

        def main(factory):
            env = factory.get_execution_environment()
            text = env.read_text_file("file://" + sys.argv[1])
            data = text.map(Doubler())
            data.write_as_text(sys.argv[2])
            data.write_as_text(sys.argv[3], mode=WriteMode.OVERWRITE)
            data.output()
            text.output("text")
            env.execute()
        """,
        parallelism,
        lines,
        guide.directory / "new",
        replaced,
    )
    doubled = ["andand", "frofro", "toto"]
    assert run.records("text") == ["and", "fro", "to"]
    assert [record for record in run.records() if "text" not in record] == doubled
    for path in (guide.directory / "new", replaced):
        files = [path] if parallelism == 1 else [path / "1", path / "2"]
        assert sorted(line for file in files for line in file.read_text().splitlines()) == doubled
