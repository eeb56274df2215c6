"""What sinks write, where to, and what is said when they cannot."""

from __future__ import annotations

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from launched import GROUP, PATIENCE, wait_until
from socket_servers import Receiver

from stream_engine.api.files import WriteMode
from stream_engine.api.serialization import SimpleStringSchema
from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from launched import Jobs, Launcher

widths = pytest.mark.parametrize("parallelism", [1, 2])


def to_line(value: Any) -> str:
    return f"{value}\n"


# --- sockets ---------------------------------------------------------------------------------------------------------


@widths
def test_one_connection_takes_all_records_whatever_the_parallelism(jobs: Jobs, parallelism: int) -> None:
    server = Receiver(clients=1)
    env = jobs.environment(parallelism)
    env.generate_sequence(1, 100).map(lambda n: n).write_to_socket("127.0.0.1", server.port, to_line)
    env.execute()
    (received,) = server.received()
    assert sorted(map(int, received.split())) == list(range(1, 101))


def test_a_sink_with_a_parallelism_of_its_own_makes_a_connection_for_each_instance(jobs: Jobs) -> None:
    server = Receiver(clients=2)
    env = jobs.environment(1)
    env.generate_sequence(1, 100).rebalance().write_to_socket("127.0.0.1", server.port, to_line).set_parallelism(2)
    env.execute()
    first, second = server.received()
    assert first
    assert second
    assert sorted(map(int, (first + second).split())) == list(range(1, 101))


class Reusing:
    """A schema that fills the same buffer anew for each record."""

    def __init__(self) -> None:
        self._buffer = bytearray(2)

    def serialize(self, value: int) -> bytearray:
        self._buffer[:] = b"%d\n" % value
        return self._buffer


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        (Reusing(), b"1\n2\n3\n"),
        (lambda n: memoryview(b"a%d" % n)[::2], b"aaa"),
        (lambda n: "\ud800-\ud83d\ude00", "\ufffd-😀".encode() * 3),
        (lambda n: b"", b""),
        (lambda n: "ä" if n == 1 else b"\xff", "ä".encode() + b"\xff\xff"),
        (lambda n: b"\xff" if n == 1 else "ä", b"\xff" + "ää".encode()),
        (lambda n: ("\ud83d", "\ude00")[n > 1], "\ufffd\ufffd\ufffd".encode()),
    ],
)
def test_what_is_text_or_bytes_is_sent_as_it_was_when_the_schema_returned_it(
    jobs: Jobs, schema: Any, sent: bytes
) -> None:
    server = Receiver(clients=1)
    env = jobs.environment()
    env.from_elements(1, 2, 3).write_to_socket("127.0.0.1", server.port, schema)
    env.execute()
    assert server.received() == [sent]


@pytest.mark.parametrize(
    ("result", "told"), [(3, "3, of type int"), (None, "None, of type NoneType"), ([1], "[1], of type list")]
)
def test_any_other_result_of_a_schema_is_an_error_that_names_the_record(jobs: Jobs, result: Any, told: str) -> None:
    server = Receiver(clients=1)
    env = jobs.environment()
    sink = env.from_elements("a", "b").write_to_socket("127.0.0.1", server.port, lambda v: b"" if v == "a" else result)
    sink.name("Send")
    with pytest.raises(JobExecutionException) as raised:
        env.execute()
    first, where, record, *_ = str(raised.value).splitlines()
    assert first == f"TypeError: <lambda> has returned {told}: a schema for write_to_socket() returns str or bytes"
    assert where.startswith(f"  in operator 'Send' (subtask 1 of 1, made at {__file__}:")
    assert record == "  with the record 'b'"
    assert server.received() == [b""]


def test_a_schema_of_strings_sends_a_replacement_for_what_is_no_character() -> None:
    assert SimpleStringSchema().serialize("a\udcff") == "a\ufffd".encode()
    assert SimpleStringSchema("utf-16-le").serialize("\ud83d") == "\ufffd".encode("utf-16-le")
    with pytest.raises(UnicodeEncodeError):
        SimpleStringSchema("latin-1").serialize("€")


# --- text that is no text --------------------------------------------------------------------------------------------


@widths
def test_every_sink_writes_the_same_replacement_for_a_surrogate(jobs: Jobs, tmp_path: Path, parallelism: int) -> None:
    env = jobs.environment(parallelism)
    texts = env.from_elements("a\udcffb", "\ud83d", "\ud83d\ude00", "ö")
    texts.output()
    texts.map(lambda text: print("printed> " + text))
    texts.write_as_text(str(tmp_path / "out")).set_parallelism(1)
    expected = sorted(["a\ufffdb", "\ufffd", "😀", "ö"])
    assert jobs.lines(env) == sorted([*expected, *expected])
    assert sorted((tmp_path / "out").read_text().splitlines()) == expected


# --- errors ----------------------------------------------------------------------------------------------------------


class Unspeakable:
    def __str__(self) -> str:
        raise ValueError("no words")

    def __repr__(self) -> str:
        return "Unspeakable()"


@pytest.mark.parametrize("sink", ["output", "text"])
def test_a_record_that_cannot_be_shown_is_named_with_its_sink(jobs: Jobs, tmp_path: Path, sink: str) -> None:
    env = jobs.environment()
    records = env.from_elements(1).map(lambda n: Unspeakable())
    (records.output("x") if sink == "output" else records.write_as_text(str(tmp_path / "out"))).name("Show")
    with pytest.raises(JobExecutionException) as raised:
        env.execute()
    first, where, record, *_ = str(raised.value).splitlines()
    assert first == "ValueError: no words"
    assert where.startswith("  in operator 'Show' (subtask 1 of 1, made at ")
    assert record == "  with the record Unspeakable()"


def few(env: Any) -> Any:
    return env.from_elements("first", "second")


def many(env: Any) -> Any:
    return env.generate_sequence(1, 100_000).map(lambda n: "first" if n == 1 else "x" * 20)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
@pytest.mark.parametrize("lines", [few, many])
def test_a_file_that_cannot_be_written_is_named_with_its_sink_and_first_lost_line(
    jobs: Jobs, lines: Callable[[Any], Any]
) -> None:
    env = jobs.environment()
    lines(env).write_as_text("/dev/full", WriteMode.OVERWRITE).name("Keep")
    with pytest.raises(JobExecutionException) as raised:
        env.execute()
    first, *more = str(raised.value).splitlines()
    assert "cannot write to /dev/full: No space left on device; lines not written: " in first
    assert "the first of them: 'first'" in first
    assert any(line.startswith("  in operator 'Keep' (subtask 1 of 1, made at ") for line in more)
    # Which of many the operating system has refused, nobody knows.
    assert not any("with the record" in line for line in more)


@pytest.fixture
def gone() -> Iterator[int]:
    """The port of a server that resets its only connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        # A job that fails before it connects is to be seen.
        listener.settimeout(PATIENCE / 10)
        pool.submit(_reset, listener)
        yield listener.getsockname()[1]


def _reset(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def test_a_connection_that_breaks_is_named_with_its_sink(jobs: Jobs, gone: int) -> None:
    env = jobs.environment()
    env.generate_sequence(1, 10_000_000).write_to_socket("127.0.0.1", gone, to_line).name("Send")
    with pytest.raises(JobExecutionException) as raised:
        env.execute()
    assert f"127.0.0.1:{gone}" in str(raised.value)
    assert "  in operator 'Send' (subtask 1 of 1, made at " in str(raised.value)


# --- how long lines wait ---------------------------------------------------------------------------------------------

FEW_THEN_NONE = """
    import time
    def feed(ctx):
        for number in range(3):
            ctx.collect(number)
        while True:
            time.sleep(60)
    def main(factory):
        env = factory.get_execution_environment()
        %s.write_as_text("out")
        env.execute()
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("env.create_python_source(feed)", ["0", "1", "2"]),
        # The loop is at work all the time.
        ("env.generate_sequence(0, 10**6).map(lambda n: time.sleep(0.01) or n)", ["0", "1", "2"]),
    ],
)
def test_lines_are_in_the_file_while_the_job_runs_and_outlive_its_processes(
    launcher: Launcher, source: str, expected: list[str]
) -> None:
    process = launcher.start(FEW_THEN_NONE % source, popen=GROUP)
    out = launcher.directory / "out"
    try:
        assert wait_until(lambda: out.exists() and out.read_text().count("\n") >= 3)
        assert process.poll() is None
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert out.read_text().splitlines()[:3] == expected


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
def test_a_file_that_cannot_be_written_to_after_a_while_is_named_with_its_sink(launcher: Launcher) -> None:
    script = FEW_THEN_NONE.replace('"out"', '"/dev/full", WriteMode.OVERWRITE')
    script = script.replace("import time", "import time\n    from org.apache.flink.core.fs.FileSystem import WriteMode")
    done = launcher.run(script % "env.generate_sequence(0, 10**6).map(lambda n: time.sleep(0.01) or n)")
    assert done.code == 1
    assert "cannot write to /dev/full: No space left on device" in done.err
    assert "in operator 'Sink: /dev/full' (subtask 1 of 1, made at " in done.err
