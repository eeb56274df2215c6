"""A Flink cluster on this machine, out of the pip package: ``flink_cluster.py start [OPTIONS]`` and ``stop``.

For trying and testing. It listens on the loopback only, at free ports, and is of the user that starts it. Where a
TaskManager ends, another one takes its place, as on Kubernetes and YARN: one may end when a Python worker dies, or when
a job is cancelled, as Apache Beam counts some bundles of theirs twice.

In its ``--directory``: ``address`` is where it can be reached, ``pids`` are its processes, ``log`` is what they say.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parent.parent
# How long the processes may take to get ready, or to end, in seconds.
PATIENCE = 180
_STOPS = (signal.SIGINT, signal.SIGTERM)


class Failure(Exception):
    """The cluster cannot be started. The message says why, and what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description="A Flink cluster on this machine, out of the pip package.")
    parser.add_argument("action", choices=["start", "stop", "keep"], help="keep: one TaskManager, for start's own use")
    parser.add_argument("--directory", type=Path, default=CHECKOUT / ".flink-cluster", help="where it keeps its files")
    parser.add_argument("--task-managers", type=int, default=2, metavar="N")
    parser.add_argument("--number", type=int, default=0, help="of the TaskManager to keep")
    parser.add_argument("--slots", type=int, default=2, metavar="N", help="of each TaskManager")
    parser.add_argument(
        "-D", dest="settings", action="append", type=setting, default=[], metavar="KEY=VALUE", help="of config.yaml"
    )
    given = parser.parse_args()
    try:
        directory = given.directory.absolute()
        if given.action == "stop":
            stop(directory)
        elif given.action == "keep":
            keep(directory, given.number)
        else:
            address = start(directory, given.task_managers, given.slots, dict(given.settings))
            sys.stdout.write(f"{address}\n")
    except Failure as failure:
        sys.stderr.write(f"flink-cluster: {failure}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def setting(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not key or not sign:
        raise argparse.ArgumentTypeError(f"{text}: give KEY=VALUE")
    return key, value


def start(directory: Path, task_managers: int, slots: int, settings: dict[str, str]) -> str:
    """Starts a JobManager and TaskManagers; gives the address, as soon as all slots are there."""
    _check_machine()
    if runs(directory):
        running = (directory / "address").read_text() if (directory / "address").exists() else directory
        raise Failure(f"a cluster runs already at {running}: stop it first, with its jobs (make flink-cluster-stop)")
    stop(directory)
    flink = _flink()
    for name in ("conf", "lib", "log"):
        (directory / name).mkdir(parents=True)
    for file in (flink / "conf").iterdir():
        shutil.copy(file, directory / "conf")
    for jar in [*(flink / "lib").glob("*.jar"), *(flink / "opt").glob("flink-python-*.jar")]:
        (directory / "lib" / jar.name).symlink_to(jar)
    address = f"127.0.0.1:{_configure(directory, slots, settings)}"
    environment = _environment(flink, directory)
    keeper = [sys.executable, __file__, "keep", "--directory", str(directory), "--number"]
    commands = [_command(flink, "jobmanager"), *([*keeper, str(number)] for number in range(task_managers))]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            with uninterrupted():
                processes.append(_started(command, directory, environment))
                (directory / "pids").write_text("".join(f"{process.pid}\n" for process in processes))
        _await(address, task_managers * slots, processes, directory)
    except BaseException:
        stop(directory)
        raise
    (directory / "address").write_text(address)
    return address


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A signal that comes meanwhile takes effect at the end: what is started is also known to ``stop``."""
    came: list[int] = []
    earlier = {each: signal.signal(each, lambda number, _: came.append(number)) for each in _STOPS}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def keep(directory: Path, number: int) -> None:
    """Lets a TaskManager run, and another one whenever it has ended, until SIGTERM comes to all of the group."""
    stopped = False

    def on_signal(*_: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, on_signal)
    # As start found it: the variables of the cluster's processes lead to no module.
    flink = Path(os.environ["FLINK_HOME"])
    while not stopped:
        with open(directory / "log" / f"taskmanager-{number}.out", "ab") as out:
            subprocess.run(_command(flink, "taskmanager"), stdout=out, stderr=out, check=False)
        # Not again and again at once, where it cannot start at all.
        time.sleep(0 if stopped else 1)


def runs(directory: Path) -> bool:
    """Whether the JobManager of a cluster is there: without it, what else is left is of no use."""
    pids = directory / "pids"
    first = pids.read_text().split()[:1] if pids.exists() else []
    return any(_runs(int(pid), directory) for pid in first)


def stop(directory: Path) -> None:
    """Ends the processes of a cluster, if there is one, and forgets it."""
    pids = directory / "pids"
    if pids.exists():
        left = [int(line) for line in pids.read_text().split()]
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in left:
                if _runs(pid, directory):
                    os.killpg(pid, number)
            deadline = time.monotonic() + PATIENCE / 6
            while left and time.monotonic() < deadline:
                left = [pid for pid in left if _runs(pid, directory)]
                time.sleep(0.05)
    if directory.exists() and ((directory / "conf").exists() or not any(directory.iterdir())):
        shutil.rmtree(directory)


def _check_machine() -> None:
    """Raises Failure where this machine lacks what a client of the cluster needs, as the cluster needs it, too."""
    sys.path.append(str(CHECKOUT / "engine"))
    from stream_engine.flink.client.java import check_client
    from stream_engine.job import ClusterUnusable

    try:
        check_client()
    except ClusterUnusable as error:
        raise Failure(str(error)) from None


def _flink() -> Path:
    return Path(str(find_spec("pyflink").origin)).parent  # pyright: ignore[reportOptionalMemberAccess]


def _environment(flink: Path, directory: Path) -> dict[str, str]:
    """The variables of the cluster's processes. Its workers are to have apache-flink, and nothing of this checkout."""
    # A JAVA_HOME that is set, but empty, would be taken for a directory.
    unwanted = {"PYTHONPATH", *(() if os.environ.get("JAVA_HOME") else ("JAVA_HOME",))}
    return {
        **{name: value for name, value in os.environ.items() if name not in unwanted},
        "FLINK_HOME": str(flink),
        "FLINK_CONF_DIR": str(directory / "conf"),
        "FLINK_LIB_DIR": str(directory / "lib"),
        "FLINK_LOG_DIR": str(directory / "log"),
        "FLINK_PID_DIR": str(directory),
    }


def _runs(pid: int, directory: Path) -> bool:
    """Whether the process is there, and one of this cluster's: a number may be another's by now."""
    listed = subprocess.run(["ps", "-o", "stat=,args=", "-ww", "-p", str(pid)], capture_output=True, text=True)
    state, _, command = listed.stdout.strip().partition(" ")
    return bool(state) and state[0] != "Z" and str(directory) in command


def _configure(directory: Path, slots: int, settings: dict[str, str]) -> int:
    """Writes config.yaml; gives the port of the REST interface."""
    import yaml

    path = directory / "conf" / "config.yaml"
    configuration = yaml.safe_load(path.read_text())
    rest, rpc = _free_ports(2)
    temporary = directory / "tmp"
    temporary.mkdir()
    for key, value in {
        "jobmanager.rpc.address": "127.0.0.1",
        "jobmanager.rpc.port": rpc,
        "jobmanager.bind-host": "127.0.0.1",
        "rest.address": "127.0.0.1",
        "rest.port": rest,
        "rest.bind-address": "127.0.0.1",
        "rest.bind-port": str(rest),
        "taskmanager.host": "127.0.0.1",
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.numberOfTaskSlots": slots,
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "io.tmp.dirs": str(temporary),
        "execution.checkpointing.dir": f"file://{directory / 'checkpoints'}",
        **settings,
    }.items():
        *parents, last = key.split(".")
        place: dict[str, Any] = configuration
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = value
    path.write_text(yaml.safe_dump(configuration))
    return rest


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def _command(flink: Path, role: str) -> list[str]:
    """Of a shell that becomes the Java process."""
    return ["bash", str(flink / "bin" / f"{role}.sh"), "start-foreground"]


def _started(command: list[str], directory: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A process, in a group of its own."""
    with open(directory / "log" / "cluster.out", "ab") as out:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )


def _await(address: str, slots: int, processes: list[subprocess.Popen[bytes]], directory: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/overview", timeout=5) as answer:
                if json.load(answer)["slots-total"] == slots:
                    return
        except (OSError, urllib.error.URLError, ValueError):
            pass
        ended = [process for process in processes if process.poll() is not None]
        if ended or time.monotonic() > deadline:
            kept = directory.with_name(f"{directory.name}-failed")
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(directory / "log", kept)
            raise Failure(f"it did not get ready: see {kept}")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
