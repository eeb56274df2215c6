"""A script gives on a Flink cluster what it gives on this machine."""

from __future__ import annotations

import re
import socket
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from flink_commands import SCRIPTS, FlinkCommand, records, sections
from launched import PATIENCE, ROOT, Command

if TYPE_CHECKING:
    from flink_commands import FlinkCluster

GUIDE = sorted(path for path in (ROOT / "examples" / "guide").glob("*.py") if path.stem != "iterate")
PLANS = re.findall(r"^        (\w+),$", (SCRIPTS / "plans.py").read_text(encoding="utf-8"), re.MULTILINE)
NAMES = [*(path.stem for path in GUIDE), *PLANS]


class Server:
    """Takes one connection: sends ``text``, and keeps what it gets."""

    def __init__(self, text: str = "") -> None:
        self.got = b""
        self._socket = socket.create_server(("localhost", 0))
        self._socket.settimeout(10 * PATIENCE)
        self.port = self._socket.getsockname()[1]
        self._thread = Thread(target=self._serve, args=(text,), daemon=True)
        self._thread.start()

    def _serve(self, text: str) -> None:
        with self._socket, self._socket.accept()[0] as connection:
            connection.sendall(text.encode())
            if text:
                return
            while data := connection.recv(4096):
                self.got += data

    def result(self) -> bytes:
        self._thread.join(PATIENCE)
        return self.got


def results(command: Command) -> dict[str, list[str]]:
    """What each of the programs prints, writes, or sends."""
    command.write("words.txt", "to be\nor not\nto be\n")
    sender, receiver = Server("to be\nor not\n"), Server()
    parameters = [command.directory, sender.port, receiver.port, *NAMES]
    done = command.run("-p", "2", SCRIPTS / "run_all.py", *GUIDE, "-", *parameters)
    assert done.code == 0, done.err
    found = sections(done)
    found["write_to_socket"] += receiver.result().decode().splitlines()
    written = command.directory / "written"
    for part in sorted(written.iterdir()) if written.is_dir() else [written]:
        found["write_as_text"] += part.read_text(encoding="utf-8").splitlines()
    return found


@pytest.fixture(scope="module")
def on_flink(running_cluster: FlinkCluster, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    command = FlinkCommand(tmp_path_factory.mktemp("flink"), running_cluster)
    try:
        return results(command)
    finally:
        command.kill()
        running_cluster.settle()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return results(Command(tmp_path_factory.mktemp("here")))


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", NAMES)
def test_a_program_gives_the_same(name: str, on_flink: dict[str, list[str]], here: dict[str, list[str]]) -> None:
    assert records(on_flink[name]) == records(here[name])
    assert here[name] or name == "empty_collection"


@pytest.mark.timeout(3000)
def test_count_windows_fire_first_with_the_first_slide(on_flink: dict[str, list[str]]) -> None:
    assert on_flink["sliding_count_windows"][0].endswith("> ('all', [('all', 1), ('all', 2)])")


def test_workers_use_what_was_shipped_and_nothing_installed(flink: FlinkCommand) -> None:
    flink.write(
        "script.py",
        """
        import stream_engine
        import helper
        from lib.rates import RATES

        def origin(number):
            import cloudpickle
            return helper.NAME, RATES, "pyflink-stream-" in stream_engine.__file__

        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1).map(origin).output()
            env.execute()
        """,
    )
    flink.write("helper.py", "NAME = 'beside the script'\n")
    flink.write("lib/rates.py", "import pkgutil\nRATES = pkgutil.get_data(__name__, '../rates.csv').decode()\n")
    flink.write("lib/__init__.py", "")
    flink.write("rates.csv", "1,2")

    done = flink.run("script.py", "lib", "rates.csv")

    assert (done.code, done.lines) == (0, ["('beside the script', '1,2', True)"]), done.err
