"""A Flink cluster of this machine's own, and the command with its address."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from launched import PATIENCE, ROOT, Command, Done, finish, kill_quietly, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# In seconds: Java, and Flink's Python workers, start several times in a job that is restarted.
LONG = 7 * PATIENCE
_SETTINGS = (
    "execution.checkpointing.interval=500 ms",
    "restart-strategy=fixed-delay",
    # Each time that there are too few slots, as a TaskManager starts, counts as one.
    "restart-strategy.fixed-delay.attempts=100000",
    "restart-strategy.fixed-delay.delay=500 ms",
)
RESTARTING = ("-p", "2", *(word for setting in _SETTINGS for word in ("-D", setting)))
"""Options of a job with checkpoints that restarts whatever dies."""
SCRIPTS = Path(__file__).parent / "scripts"
# ``2> record`` and ``id:2> record``: which subtask writes a record is not the same on both engines.
_SUBTASK = re.compile(r"^(?:(\d+)> |(.*?):(\d+)> )")


# So many slots that two jobs of a parallelism of 2 run side by side, each beside what is left of the one before it.
_TASK_MANAGERS, _SLOTS = 2, 4
_ENDED = ("FINISHED", "FAILED", "CANCELED")


class FlinkCluster:
    """One JobManager and two TaskManagers with four slots each, while the context lasts."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.address = ""

    def __enter__(self) -> FlinkCluster:
        # A TaskManager that was killed is soon known to be dead, and one that only gets no processor is not.
        options = ("-D", "heartbeat.interval=1000", "-D", "heartbeat.timeout=120000")
        self.address = self._run(
            "start", "--task-managers", str(_TASK_MANAGERS), "--slots", str(_SLOTS), *options
        ).strip()
        return self

    def __exit__(self, *_: object) -> None:
        self._run("stop")

    def _run(self, action: str, *options: str) -> str:
        command = [sys.executable, str(ROOT / "bin" / "flink_cluster.py"), action, "--directory", str(self.directory)]
        return subprocess.run([*command, *options], stdout=subprocess.PIPE, text=True, check=True).stdout

    def settle(self) -> None:
        """Makes it what it was at first, whatever a test has left: no job runs, and all slots are there and free."""
        for job in self.get("/jobs/overview")["jobs"]:
            if job["state"] not in _ENDED:
                urlopen(Request(f"http://{self.address}/jobs/{job['jid']}", method="PATCH"), timeout=60).close()
        assert wait_until(self.rests, LONG), f"{self.get('/overview')}, Python workers: {self.python_workers()}"

    def rests(self) -> bool:
        """Whether nothing of a job is left: neither running, nor holding a slot, nor as a Python process."""
        overview = self.get("/overview")
        slots = {overview["slots-total"], overview["slots-available"]}
        return slots == {_TASK_MANAGERS * _SLOTS} and not overview["jobs-running"] and not self.python_workers()

    def get(self, path: str) -> Any:
        with urlopen(f"http://{self.address}{path}", timeout=60) as answer:
            return json.load(answer)

    def jobs(self, name: str) -> list[dict[str, Any]]:
        """The jobs of that name, the last one first."""
        found = (job for job in self.get("/jobs/overview")["jobs"] if job["name"] == name)
        return sorted(found, key=lambda job: job["start-time"], reverse=True)

    def state(self, name: str) -> str:
        """That of the last job of the name; empty when there is none."""
        return next((job["state"] for job in self.jobs(name)), "")

    def await_state(self, name: str, state: str) -> None:
        wait_until(lambda: self.state(name) in (state, *_ENDED), LONG)
        assert self.state(name) == state

    def details(self, name: str, path: str = "") -> Any:
        """What the REST interface tells of the last job of the name, at ``path`` below it; {}: there is nothing."""
        jobs = self.jobs(name)
        try:
            return self.get(f"/jobs/{jobs[0]['jid']}{path}") if jobs else {}
        except HTTPError:
            # Of a job that is only being made, or that restarts.
            return {}

    def checkpoints(self, name: str, kind: str = "completed") -> int:
        """How many checkpoints of the last job of the name are ``completed``, or were ``restored`` by it."""
        return self.details(name, "/checkpoints").get("counts", {}).get(kind, 0)

    def take_checkpoint(self, name: str) -> bool:
        """Whether the last job of the name has taken one because of this."""
        jobs = self.jobs(name)
        if not jobs:
            return False
        place, before = f"http://{self.address}/jobs/{jobs[0]['jid']}/checkpoints", self.checkpoints(name)
        headers = {"Content-Type": "application/json"}
        urlopen(Request(place, b"{}", headers, method="POST"), timeout=60).close()
        # What the REST interface tells may be three seconds old.
        return wait_until(lambda: self.checkpoints(name) > before, 15)

    def busy_task_managers(self) -> list[int]:
        """The processes of the TaskManagers that have Python workers. Killed, they are replaced."""
        keepers = {int(line) for line in (self.directory / "pids").read_text().split()[1:]}
        listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        parents = {int(pid): int(parent) for pid, parent in map(str.split, listed.splitlines())}
        found: list[int] = []
        for worker in self.python_workers():
            # Between the two is a shell.
            pid = parents.get(parents.get(worker, 0), 0)
            if parents.get(pid) in keepers:
                found.append(pid)
        return found

    def python_workers(self) -> list[int]:
        """The Python processes of running jobs, which have this cluster's directory in their environment."""
        command = ["ps", "axeww", "-o", "pid=,command="]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        found = (line.split(None, 1) for line in listed if f"FLINK_CONF_DIR={self.directory}/" in line)
        return [int(pid) for pid, text in found if "fn_execution.beam.beam_boot" in text and not _is_shell(text)]


def _is_shell(command: str) -> bool:
    return os.path.basename(command.split()[0]) in ("bash", "sh")


class FlinkCommand(Command):
    """The launcher, whose jobs run on a cluster."""

    def __init__(self, directory: Path, cluster: FlinkCluster) -> None:
        super().__init__(directory)
        self.cluster = cluster
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *args: object, popen: Mapping[str, Any] | None = None, **environment: str) -> subprocess.Popen[str]:
        self.started.append(super().start(*args, popen=popen, **environment))
        return self.started[-1]

    def kill(self) -> None:
        """What is left of it."""
        for process in self.started:
            if process.poll() is None:
                kill_quietly(process)

    def words(self, *args: object) -> list[str]:
        return super().words("-m", self.cluster.address, *args)

    def run(self, *args: object, popen: Mapping[str, Any] | None = None, **environment: str) -> Done:
        return finish(self.start(*args, popen=popen, **environment), LONG)


def kill_one_of(victims: Callable[[], list[int]]) -> None:
    """With SIGKILL, as soon as there is one."""

    def killed() -> bool:
        try:
            os.kill(victims()[0], signal.SIGKILL)
        except (IndexError, ProcessLookupError):
            return False
        return True

    assert wait_until(killed, LONG)


def text_of(path: Path) -> list[str]:
    """The lines of a text sink, sorted: of a file, or of a directory with one for each of several instances."""
    parts = path.iterdir() if path.is_dir() else [path]
    return sorted(line for part in parts for line in part.read_text(encoding="utf-8").splitlines())


def records(lines: Iterable[str]) -> Counter[str]:
    """The multiset of the lines, without the numbers of subtasks."""
    return Counter(_SUBTASK.sub(lambda match: f"{match[2]}> " if match[2] else "", line) for line in lines)


def sections(done: Done) -> dict[str, list[str]]:
    """The lines behind each ``-- name``."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in done.lines:
        if line.startswith("-- "):
            name = line[3:]
            found[name] = []
        else:
            found[name].append(line)
    return found
