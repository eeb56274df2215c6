"""Input that no job should be hurt by: what can be read is read, and what cannot is told with where it came from."""

from __future__ import annotations

import socket
import struct
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from launched import wait_until

from stream_engine.api.time import TimeCharacteristic
from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from pathlib import Path

    from launched import Jobs


@pytest.mark.parametrize("parallelism", [1, 3])
def test_bytes_that_are_no_text_are_replaced_and_cost_no_line(jobs: Jobs, tmp_path: Path, parallelism: int) -> None:
    path = tmp_path / "mixed"
    path.write_bytes(b"first\n\xff\xfe\x00\n\xc3\n\xe2\x82\xac\nlast")
    env = jobs.environment(parallelism)
    env.read_text_file(str(path)).map(ascii).output()
    assert jobs.lines(env) == sorted(map(ascii, ["first", "\ufffd\ufffd\0", "\ufffd", "\u20ac", "last"]))


def test_a_line_of_100_mb_is_one_record_and_a_job_can_exchange_it(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "long"
    with path.open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 2**20)
        file.write(b"\nshort\n")
    env = jobs.environment(2)
    env.read_text_file(str(path)).rebalance().map(len).output()
    assert jobs.lines(env) == [str(100 * 2**20), "5"]


def test_a_directory_that_vanishes_fails_the_job_with_the_name_of_the_file(jobs: Jobs, tmp_path: Path) -> None:
    """The files are listed before the job starts; the second one is gone when its turn comes."""
    directory = tmp_path / "input"
    directory.mkdir()
    for name in ("a", "b"):
        (directory / name).write_text("line\n" * 3)

    def vanish(line: str) -> str:
        import shutil

        shutil.rmtree(directory, ignore_errors=True)
        return line

    env = jobs.environment(1)
    env.read_text_file(str(directory)).map(vanish).output()
    with pytest.raises(JobExecutionException, match=r"cannot read .*/input/b: No such file"):
        env.execute()


def test_a_socket_that_is_reset_in_the_middle_of_a_line_fails_the_job(jobs: Jobs, tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    def reset() -> None:
        connection, _ = server.accept()
        connection.sendall(b"whole\nhal")
        # A reset also takes back what has not been read yet.
        assert wait_until(seen.exists)
        # Closed without a farewell, as by a machine that has failed.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=reset, daemon=True)
        thread.start()
        env = jobs.environment(1)
        env.socket_text_stream("127.0.0.1", server.getsockname()[1]).map(lambda line: seen.write_text(line)).output()
        with pytest.raises(JobExecutionException, match="reset"):
            env.execute()
        thread.join()


class _Unequal:
    """A key that cannot be compared; all have the same hash, so that it is tried."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return 7

    def __eq__(self, other: object) -> bool:
        raise ValueError("never equal")


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_key_that_cannot_be_compared_fails_the_job_at_its_record(jobs: Jobs, parallelism: int) -> None:
    env = jobs.environment(parallelism)
    env.from_elements(1, 2).key_by(_Unequal).reduce(lambda a, b: b).name("reduced").output()
    with pytest.raises(JobExecutionException, match=r"never equal(.|\n)*'reduced'(.|\n)*with the record "):
        env.execute()


class _Unsendable:
    def __reduce__(self) -> Any:
        raise ValueError("never sent")


def test_a_record_that_cannot_be_pickled_fails_the_job_at_its_operator(jobs: Jobs) -> None:
    env = jobs.environment(2)
    env.from_elements(*range(9)).map(lambda number: _Unsendable()).name("unsendable").rebalance().output()
    with pytest.raises(JobExecutionException, match=r"never sent(.|\n)*'unsendable'"):
        env.execute()


class _Hours:
    """Collects ``(0, 1)`` once for each of 100 000 hours."""

    def run(self, ctx: Any) -> None:
        for hour in range(100_000):
            ctx.collect_with_timestamp((0, 1), hour * 3_600_000)

    def cancel(self) -> None:
        pass


def test_100_000_windows_of_one_key_all_fire_at_the_end_of_the_input(jobs: Jobs) -> None:
    env = jobs.environment(2)
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    hours = env.create_python_source(_Hours()).key_by(lambda pair: pair[0])
    windows = hours.time_window(2 * 3_600_000, 3_600_000).reduce(lambda a, b: (a[0], a[1] + b[1]))
    # All but the first and the last have two hours in them.
    windows.key_by(lambda pair: pair[0]).count_window(100_001).reduce(lambda a, b: (a[0], a[1] + b[1])).output()
    assert jobs.lines(env) == ["(0, 200000)"]


def test_windows_of_100_000_keys_all_fire_at_the_end_of_the_input(jobs: Jobs) -> None:
    env = jobs.environment(2)
    keyed = env.generate_sequence(1, 100_000).key_by(lambda number: number)
    counts = keyed.time_window(3_600_000).apply(lambda key, window, values, out: out.collect(len(values)))
    counts.key_by(lambda count: 0).count_window(100_000).reduce(lambda a, b: a + b).output()
    assert jobs.lines(env) == ["100000"]


def test_more_workers_than_cores_share_them(jobs: Jobs) -> None:
    env = jobs.environment(64)
    pairs = env.generate_sequence(1, 6_400).map(lambda number: (number % 100, 1))
    counts = pairs.key_by(lambda pair: pair[0]).reduce(lambda a, b: (a[0], a[1] + b[1]))
    counts.filter(lambda pair: pair[1] == 64).output()
    assert jobs.lines(env) == sorted(f"({key}, 64)" for key in range(100))
