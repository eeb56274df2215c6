"""Where jobs run is said on the command line, in flink-conf.yaml, or by the script; what cannot be is refused first."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from flink_rest import Rest
from launched import Command
from ports import silent_port

from pyflink_stream.cli import Request, parse
from pyflink_stream.launcher import cluster_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRIPT = """\
def main(factory):
    env = factory.get_execution_environment()
    env.from_elements(1).output()
    env.execute()
"""


@pytest.fixture
def command(tmp_path: Path) -> Command:
    made = Command(tmp_path)
    made.write("script.py", SCRIPT)
    return made


def request_of(command: Command, *arguments: str) -> Request:
    request: Any = parse([*arguments, str(command.directory / "script.py")])
    assert isinstance(request, Request)
    return request


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        (["-m", "flink:8081"], ("flink", 8081)),
        (["--target", "flink", "-m", "http://10.0.0.7:80/"], ("10.0.0.7", 80)),
        (["--target", "flink"], ("localhost", 8081)),
        (["--target", "flink", "-D", "rest.address=jm", "-D", "rest.port=9"], ("jm", 9)),
        (["-D", "execution.target=remote", "-m", "[::1]:8081"], ("::1", 8081)),
        (["--target", "flink", "-D", "rest.port=8081-8090"], None),
    ],
)
def test_options_name_the_cluster(command: Command, arguments: list[str], address: Any) -> None:
    request = request_of(command, *arguments)

    assert request.remote
    assert cluster_address(request.configuration) == address


@pytest.mark.parametrize("arguments", [[], ["--target", "local"], ["--target", "local", "-D", "rest.address=jm"]])
def test_jobs_run_here_where_nothing_else_is_said(command: Command, arguments: list[str]) -> None:
    assert not request_of(command, *arguments).remote


def test_target_local_wins_over_the_file(command: Command) -> None:
    command.write("conf/flink-conf.yaml", "execution.target: remote\nrest.address: jm\n")
    directory = str(command.directory / "conf")

    assert request_of(command, "-c", directory).remote
    assert not request_of(command, "-c", directory, "--target", "local").remote


def test_keys_of_flinks_own_are_passed_on_without_a_warning(
    command: Command, capfd: pytest.CaptureFixture[str]
) -> None:
    request = request_of(command, "-m", "jm:1", "-D", "taskmanager.memory.managed.fraction=0.2")

    assert request.configuration.get("taskmanager.memory.managed.fraction") == "0.2"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-m", "flink"], "-m flink: give HOST:PORT"),
        (["-m", "flink:port"], "-m flink:port: give HOST:PORT"),
        (["-m", "flink:99999"], "-m flink:99999: give HOST:PORT"),
        (["--target", "cloud"], "--target cloud: give local or flink"),
        (["--target", "local", "-m", "flink:8081"], "--target local runs jobs here, but -m names a Flink cluster"),
        (["--detached"], "--detached is for jobs on a Flink cluster: add --target flink"),
        (["-m", "flink:8081", "--ui"], "the Flink cluster has a page of its own"),
        (["-m", "flink:8081", "--local-debug"], "--local-debug runs jobs in this process"),
    ],
)
def test_a_wrong_command_line_is_refused(command: Command, arguments: list[str], said: str) -> None:
    done = command.run(*arguments, "script.py")

    assert done.code == 2
    assert said in done.err.replace("\n", " ")


@pytest.mark.skipif(find_spec("pyflink") is not None, reason="apache-flink is installed here")
def test_without_the_extra_the_command_that_installs_it_is_told(command: Command) -> None:
    done = command.run("-m", "localhost:1", "script.py")

    assert (done.code, done.lines) == (2, [])
    if sys.version_info < (3, 13):
        assert "flink" in done.err
        assert "venv.sh flink" in done.err or "pyflink-stream[flink]" in done.err
    else:
        assert "run this with Python 3.10, 3.11 or 3.12" in done.err
    assert "Traceback" not in done.err


@pytest.fixture
def package(command: Command) -> Path:
    """What is looked at of apache-flink before a cluster is asked."""
    command.write(
        "site/apache_flink-2.3.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: apache-flink\nVersion: 2.3.0"
    )
    command.environment["PYTHONPATH"] += os.pathsep + str(command.directory / "site")
    return command.directory


needs_wheels = pytest.mark.skipif(sys.version_info >= (3, 13), reason="apache-flink is not there for this Python")


@needs_wheels
def test_without_java_nothing_is_submitted(command: Command, package: Path) -> None:
    done = command.run("-m", "localhost:1", "script.py", PATH=str(package), JAVA_HOME="")

    assert (done.code, done.lines) == (2, [])
    assert "reached with Java, but there is no java: install Java 17" in done.err.replace("\n", " ")


@needs_wheels
def test_a_java_home_without_java_is_named(command: Command, package: Path) -> None:
    done = command.run("-m", "localhost:1", "script.py", JAVA_HOME=str(package))

    assert done.code == 2
    assert f"JAVA_HOME is {package}, where there is no bin/java" in done.err.replace("\n", " ")


@needs_wheels
def test_a_cluster_that_is_not_there_is_named(command: Command, package: Path) -> None:
    java = command.write("home/bin/java", "#!/bin/sh\n")
    java.chmod(0o755)
    with silent_port() as port:
        done = command.run("-m", f"127.0.0.1:{port}", "script.py", JAVA_HOME=str(package / "home"))

    assert (done.code, done.lines) == (2, [])
    assert f"There is no Flink cluster at 127.0.0.1:{port}" in done.err.replace("\n", " ")
    assert "Traceback" not in done.err


@pytest.fixture
def rest() -> Iterator[Rest]:
    with Rest() as rest:
        yield rest


READS_A_FILE = """
def main(factory):
    env = factory.get_execution_environment()
    env.read_text_file("/data/orders").output()
    env.execute()
"""

LOOPS = """
def main(factory):
    env = factory.get_execution_environment()
    loop = env.from_elements(3).iterate()
    loop.close_with(loop.filter(lambda number: number < 0))
    env.execute()
"""

NEVER_ENDS = """
from itertools import count

def main(factory):
    env = factory.get_execution_environment()
    env.from_collection(count()).output()
    env.execute()
"""

ELSEWHERE = {"taskmanagers": [{"id": "192.0.2.7:35001-cd34"}]}


@needs_wheels
@pytest.mark.parametrize(
    ("script", "options", "answers", "said"),
    [
        (SCRIPT, [], {"/overview": {"other": 1}}, "There is no Flink cluster at {address}: what answers there is no"),
        (
            SCRIPT,
            [],
            {"/overview": {"flink-version": "1.20.1"}},
            "The cluster at {address} is Flink 1.20.1, but",
        ),
        (SCRIPT, ["-p", "3"], {}, "The job needs 3 slots, but the cluster at {address} has 2: start more"),
        (
            SCRIPT,
            ["-p", "2"],
            {"/overview": {"flink-version": "2.3.0", "slots-total": 2, "slots-available": 1}},
            "The job needs 2 slots, but of the 2 that the cluster at {address} has, 1 are free: wait for",
        ),
        (
            READS_A_FILE,
            [],
            {"/taskmanagers": ELSEWHERE},
            "'Source: /data/orders', made at {script}:3, is on this machine, which the workers on 192.0.2.7 do not see",
        ),
        (LOOPS, [], {}, "'Iteration', made at {script}:3, cannot run on a Flink cluster: Flink has had no iterations"),
        (
            NEVER_ENDS,
            [],
            {},
            "'Source: from_collection', made at {script}:5, cannot run on a Flink cluster: it is read",
        ),
        (SCRIPT, ["-D", "state.backend=rocksdb"], {}, "state.backend: rocksdb is for jobs on this machine"),
    ],
    ids=["no Flink", "other version", "too wide", "no free slots", "path", "iterate", "generator", "rocksdb"],
)
def test_what_the_cluster_cannot_run_ends_with_status_2_and_is_not_submitted(
    command: Command, package: Path, rest: Rest, script: str, options: list[str], answers: Any, said: str
) -> None:
    command.write("home/bin/java", "#!/bin/sh\n").chmod(0o755)
    command.write("script.py", script.lstrip("\n"))
    rest.answers.update(answers)

    done = command.run("-m", rest.address, *options, "script.py", JAVA_HOME=str(package / "home"))

    assert (done.code, done.lines) == (2, [])
    said = said.format(address=rest.address, script=command.directory / "script.py")
    # A generator that takes long is told of before.
    assert done.err.replace("\n", " ").partition("Error: ")[2].startswith(said)
    assert "Traceback" not in done.err
    assert all(each.startswith("GET ") for each in rest.asked)


def test_explain_shows_what_the_cluster_would_run(command: Command) -> None:
    done = command.run("--explain", "--target", "flink", "-p", "2", "script.py")

    assert (done.code, done.err) == (0, "")
    assert done.lines[0] == "Flink Streaming Job: 2 tasks on 2 slots of a Flink cluster"


def test_explain_refuses_what_the_cluster_cannot_run(command: Command) -> None:
    command.write(
        "script.py",
        """
        def main(factory):
            env = factory.create_remote_execution_environment("flink", 8081)
            loop = env.from_elements(3).iterate()
            loop.close_with(loop.filter(lambda number: number < 0))
            env.execute()
        """,
    )
    done = command.run("--explain", "script.py")

    assert (done.code, done.lines) == (2, [])
    assert "Flink has had no iterations since version 2" in done.err.replace("\n", " ")
