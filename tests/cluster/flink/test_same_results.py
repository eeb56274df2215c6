"""A script gives on a Flink cluster what it gives on this machine."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from flink_commands import SCRIPTS, FlinkCommand, records, sections, text_of
from launched import ROOT, Command
from socket_servers import Receiver, Sender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flink_commands import FlinkCluster

GUIDE = sorted(path for path in (ROOT / "examples" / "guide").glob("*.py") if path.stem != "iterate")
PLANS = re.findall(r"^        (\w+),$", (SCRIPTS / "plans.py").read_text(encoding="utf-8"), re.MULTILINE)
NAMES = [*(path.stem for path in GUIDE), *PLANS]


def results(command: Command, names: Sequence[str]) -> dict[str, list[str]]:
    """What each of the programs prints, writes, or sends; they run one after another."""
    command.write("words.txt", "to be\nor not\nto be\n")
    sender = Sender("to be\nor not\n") if "socket_source" in names else None
    receiver = Receiver() if "write_to_socket" in names else None
    ports = [0 if server is None else server.port for server in (sender, receiver)]
    parameters = [command.directory, *ports, *names]
    done = command.run("-p", "2", SCRIPTS / "run_all.py", *GUIDE, "-", *parameters)
    assert done.code == 0, done.err
    found = sections(done)
    if receiver is not None:
        found["write_to_socket"] += b"".join(receiver.received()).decode().splitlines()
    if "write_as_text" in found:
        found["write_as_text"] += text_of(command.directory / "written")
    return found


@pytest.fixture(scope="module")
def on_flink(running_cluster: FlinkCluster, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The programs of the guide, and the others, side by side: each of their jobs waits for Java most of the time."""
    commands = [FlinkCommand(tmp_path_factory.mktemp("flink"), running_cluster) for _ in range(2)]
    try:
        with ThreadPoolExecutor(len(commands)) as pool:
            first, second = pool.map(results, commands, ([path.stem for path in GUIDE], PLANS))
        return {**first, **second}
    finally:
        for command in commands:
            command.kill()
        running_cluster.settle()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return results(Command(tmp_path_factory.mktemp("here")), NAMES)


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", NAMES)
def test_a_program_gives_the_same(name: str, on_flink: dict[str, list[str]], here: dict[str, list[str]]) -> None:
    assert records(on_flink[name]) == records(here[name])
    assert here[name] or name == "empty_collection"


@pytest.mark.timeout(1500)
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
