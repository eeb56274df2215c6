"""What a job on Flink reads from files and servers, and writes there, is what it is in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fake_flink import FakeCluster
from launched import Jobs
from socket_servers import Receiver, Sender

from stream_engine.api.files import WriteMode
from stream_engine.api.functions import SinkFunction
from stream_engine.connectors.storage_options import options_of
from stream_engine.flink.executor import FlinkExecutor

if TYPE_CHECKING:
    from pathlib import Path

widths = pytest.mark.parametrize("parallelism", [1, 2, 3])


@widths
def test_the_lines_of_a_server_are_read(hosted: Jobs, inline: Jobs, parallelism: int) -> None:
    def read(jobs: Jobs) -> list[str]:
        sender = Sender("to be\r\nor not\n\n\u00e9\nlast")
        env = jobs.environment(parallelism)
        env.socket_text_stream("127.0.0.1", sender.port).rebalance().map(repr).output()
        return jobs.lines(env)

    found = read(hosted)

    assert len(found) == 5
    assert found == read(inline)


@widths
def test_a_server_is_sent_all_records_by_one_connection(hosted: Jobs, inline: Jobs, parallelism: int) -> None:
    def sent(jobs: Jobs) -> list[bytes]:
        receiver = Receiver()
        env = jobs.environment(parallelism)
        env.generate_sequence(1, 300).map(str).write_to_socket("127.0.0.1", receiver.port, lambda text: f"{text}\n")
        env.execute()
        (received,) = receiver.received()
        return sorted(received.split())

    found = sent(hosted)

    assert len(found) == 300
    assert found == sent(inline)


def text_job(jobs: Jobs, source: Path, target: Path, mode: WriteMode, parallelism: int = 2) -> list[str]:
    env = jobs.environment(parallelism)
    env.read_text(f"file://{source}").rebalance().map(str.upper).write_as_text(f"file://{target}", mode)
    env.execute()
    files = sorted(target.iterdir()) if target.is_dir() else [target]
    return sorted(line for file in files for line in file.read_text(encoding="utf-8").splitlines())


@widths
def test_text_overwrites_what_was_there_if_it_is_told_to(
    hosted: Jobs, inline: Jobs, tmp_path: Path, parallelism: int
) -> None:
    (tmp_path / "in").write_text("".join(f"line {number}\n" for number in range(500)))
    # Of as many parts as come, each longer than what comes.
    for name in ("hosted", "inline"):
        parts = [name] if parallelism == 1 else [f"{name}/{1 + part}" for part in range(parallelism)]
        for file in (tmp_path / part for part in parts):
            file.parent.mkdir(exist_ok=True)
            file.write_text("older text\n" * 1000)

    found = text_job(hosted, tmp_path / "in", tmp_path / "hosted", WriteMode.OVERWRITE, parallelism)

    assert len(found) == 500
    assert found == text_job(inline, tmp_path / "in", tmp_path / "inline", WriteMode.OVERWRITE, parallelism)


@pytest.mark.parametrize("parallelism", [1, 2])
def test_text_leaves_alone_what_is_there_unless_it_is_told_to_overwrite(
    hosted: Jobs, cluster: FakeCluster, tmp_path: Path, parallelism: int
) -> None:
    (tmp_path / "in").write_text("new\n")
    (tmp_path / "out").write_text("precious\n")

    with pytest.raises(Exception, match=r"out.*exists already"):
        text_job(hosted, tmp_path / "in", tmp_path / "out", WriteMode.NO_OVERWRITE, parallelism)

    assert (tmp_path / "out").read_text() == "precious\n"
    assert cluster.jobs == []


class Appending(SinkFunction):
    def __init__(self, path: str) -> None:
        self._path = path

    def invoke(self, value: Any) -> None:
        with open(self._path, "a") as file:
            file.write(f"{value}\n")


@widths
def test_a_sink_function_is_given_every_record(hosted: Jobs, tmp_path: Path, parallelism: int) -> None:
    path = tmp_path / "appended"
    env = hosted.environment(parallelism)
    env.generate_sequence(1, 200).add_sink(Appending(str(path)))
    env.execute()

    assert sorted(map(int, path.read_text().split())) == list(range(1, 201))


def test_the_options_of_file_systems_hold_for_the_client_and_for_the_workers(capfd: pytest.CaptureFixture[str]) -> None:
    class Looking(FakeCluster):
        def check(self, plan: Any, configuration: Any) -> None:
            self.seen = options_of("s3")

    cluster = Looking()
    jobs = Jobs(FlinkExecutor(cluster), capfd)
    env = jobs.environment(fs__s3__key="some")
    env.from_elements(1).map(lambda number: options_of("s3")["key"]).output()

    assert jobs.lines(env) == ["some"]
    assert cluster.seen == {"key": "some"}
