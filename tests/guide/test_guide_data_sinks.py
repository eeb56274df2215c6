"""Data Sinks: text files, standard output and sockets."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from guided import Guide


def text_of(path: Path, parallelism: int) -> list[str]:
    """All lines of a text sink, sorted; it is a directory with a file of each instance when there are several."""
    files = [path] if parallelism == 1 else [path / str(number + 1) for number in range(parallelism)]
    return sorted(line for file in files for line in file.read_text(encoding="utf-8").splitlines())


SINKS = """
from org.apache.flink.core.fs.FileSystem import WriteMode

class Point:
    def __init__(self, x):
        self.x = x
    def __str__(self):
        return "point at %d" % self.x
    def __repr__(self):
        return "not this"

def main(factory):
    env = factory.get_execution_environment()
    textData = env.from_elements("word", 1, 2.5, Point(7), [1, "a"], None)
    # write DataStream to a file on the local file system
    textData.write_as_text("file://DIRECTORY/result/on/localFS")
    # write DataStream to a file and overwrite the file if it exists
    textData.write_as_text("file://DIRECTORY/existing", WriteMode.OVERWRITE)
    textData.output("output")
    # this writes tuples in the text formatting "(a, b, c)", rather than as CSV lines
    values = env.from_elements((1, 2, 3), (4, 5, 6))
    values.write_as_text("file://DIRECTORY/tuples")
    # printed and written, and at the same time transformed
    values.map(sum).output("sums")
    values.output("values")
    env.execute()
"""


@pytest.mark.parametrize("parallelism", [1, 2])
def test_data_sinks_write_the_str_of_each_element(guide: Guide, parallelism: int) -> None:
    existing = guide.write("existing", "older text, of more lines\n" * 100)
    run = guide.run(SINKS.replace("DIRECTORY", str(guide.directory)), parallelism)
    elements = ["1", "2.5", "None", "[1, 'a']", "point at 7", "word"]
    assert text_of(guide.directory / "result/on/localFS", parallelism) == elements
    assert text_of(existing, parallelism) == elements
    assert run.records("output") == elements
    assert text_of(guide.directory / "tuples", parallelism) == ["(1, 2, 3)", "(4, 5, 6)"]
    assert run.records("sums") == ["15", "6"]
    assert run.records("values") == ["(1, 2, 3)", "(4, 5, 6)"]


@pytest.mark.parametrize("mode", ["", ", WriteMode.NO_OVERWRITE"])
def test_data_sinks_do_not_overwrite_unless_told_to(guide: Guide, mode: str) -> None:
    existing = guide.write("existing", "precious\n")
    program = """
        from org.apache.flink.core.fs.FileSystem import WriteMode
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements("new").write_as_text("existing"MODE)
            env.execute()
    """
    run = guide.call(guide.write("program.py", program.replace("MODE", mode)))
    assert (run.code, existing.read_text()) == (1, "precious\n")
    assert str(existing) in run.err


@pytest.mark.parametrize("parallelism", [1, 2])
def test_data_sinks_write_bytes_to_a_socket(guide: Guide, parallelism: int) -> None:
    """One connection has them all, whatever the job's parallelism, and is closed at the end."""

    def received() -> bytes:
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as stream:
            return stream.read()

    with socket.create_server(("localhost", 0)) as server, ThreadPoolExecutor(1) as threads:
        server.settimeout(PATIENCE)
        future = threads.submit(received)
        guide.run(
            """
            import sys
            from org.apache.flink.streaming.util.serialization import SerializationSchema

            class ToBytes(SerializationSchema):
                def serialize(self, value):
                    return b"\\xff" + str(value).encode() + b"\\x00"

            def main(factory):
                env = factory.get_execution_environment()
                data = env.from_elements(1, "ü", (2, 3)).rebalance()
                data.write_to_socket("localhost", int(sys.argv[1]), ToBytes())
                env.execute()
            """,
            parallelism,
            server.getsockname()[1],
        )
        parts = future.result(PATIENCE).split(b"\0")
    assert sorted(filter(None, parts)) == [b"\xff(2, 3)", b"\xff1", b"\xff\xc3\xbc"]
