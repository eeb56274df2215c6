"""The cluster for trying: it is started once, stopped as a whole, and leaves nothing when its start is given up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE, ROOT, kill_quietly, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Instead of Java: it answers as a cluster with one slot does, once the file "ready" is there.
JOB_MANAGER = """
import json, os, sys, time, yaml
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"slots-total": 1}).encode())

while not os.path.exists(os.environ["STUB"] + "/ready"):
    time.sleep(0.01)
with open(sys.argv[1] + "/config.yaml") as file:
    port = yaml.safe_load(file)["rest"]["port"]
HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
# Whatever this Python is, there is a PyFlink for it.
START = """
import runpy, sys, types
from stream_engine.flink.client import java
java.sys = types.SimpleNamespace(version_info=(3, 11, 7))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
# Ctrl-C comes when the keeper of the TaskManager has just been started.
INTERRUPTED = """
import signal, subprocess

class Popen(subprocess.Popen):
    def __init__(self, command, **options):
        super().__init__(command, **options)
        if "keep" in command:
            signal.raise_signal(signal.SIGINT)

subprocess.Popen = Popen
"""


class Clusters:
    """The command, with an apache-flink of this test's own."""

    def __init__(self, stub: Path) -> None:
        self.stub = stub
        self.directory = stub / "cluster"
        flink = stub / "site" / "pyflink"
        for path, text in {
            flink / "__init__.py": "",
            flink / "conf" / "config.yaml": "{}\n",
            flink / "lib" / "flink.jar": "",
            flink / "opt" / "other.jar": "",
            flink / "job_manager.py": JOB_MANAGER,
            flink
            / "bin"
            / "jobmanager.sh": f'exec "{sys.executable}" "$FLINK_HOME/job_manager.py" "$FLINK_CONF_DIR"\n',
            flink / "bin" / "taskmanager.sh": 'touch "$STUB/task manager"\nexec sleep 1000\n',
            stub / "site" / "apache_flink-2.3.0.dist-info" / "METADATA": "Name: apache-flink\nVersion: 2.3.0\n",
            stub / "java" / "bin" / "java": "#!/bin/sh\n",
        }.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (stub / "java" / "bin" / "java").chmod(0o755)

    def start(self, action: str, *options: str, before: str = "") -> subprocess.Popen[str]:
        one = ["--task-managers", "1", "--slots", "1"] if action == "start" else []
        script = str(ROOT / "bin" / "flink_cluster.py")
        command = [
            sys.executable,
            "-c",
            before + START,
            script,
            action,
            "--directory",
            str(self.directory),
            *one,
            *options,
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(self.stub / "site"), *sys.path]),
            "STUB": str(self.stub),
            "JAVA_HOME": str(self.stub / "java"),
        }
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, action: str, *options: str) -> tuple[int, str, str]:
        process = self.start(action, *options)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def processes(self) -> list[str]:
        listed = subprocess.run(["ps", "axww", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True)
        lines = (line.split(None, 2) for line in listed.stdout.splitlines())
        return [line[2] for line in lines if len(line) > 2 and line[1][0] != "Z" and str(self.directory) in line[2]]


@pytest.fixture
def clusters(tmp_path: Path) -> Iterator[Clusters]:
    clusters = Clusters(tmp_path)
    yield clusters
    clusters.run("stop")


def test_a_cluster_that_runs_is_not_replaced_without_a_word(clusters: Clusters) -> None:
    (clusters.stub / "ready").touch()
    code, address, err = clusters.run("start")
    assert code == 0, err
    before = clusters.processes()

    code, out, err = clusters.run("start")

    assert (code, out) == (1, "")
    assert f"a cluster runs already at {address.strip()}: stop it first" in err
    assert clusters.processes() == before
    assert clusters.run("stop") == (0, "", "")
    assert clusters.processes() == []
    assert not clusters.directory.exists()


def test_task_managers_are_of_the_same_flink_as_the_job_manager(clusters: Clusters) -> None:
    (clusters.stub / "ready").touch()
    code, _, err = clusters.run("start")

    assert code == 0, err
    assert wait_until((clusters.stub / "task manager").exists)


def test_what_a_cluster_has_left_that_died_is_no_obstacle(clusters: Clusters) -> None:
    (clusters.stub / "ready").touch()
    code, _, err = clusters.run("start")
    assert code == 0, err
    job_manager = int((clusters.directory / "pids").read_text().split()[0])
    os.kill(job_manager, signal.SIGKILL)
    assert wait_until(lambda: not any("job_manager.py" in each for each in clusters.processes()))

    code, _, err = clusters.run("start")

    assert code == 0, err
    assert int((clusters.directory / "pids").read_text().split()[0]) != job_manager


def test_a_start_that_is_interrupted_leaves_nothing(clusters: Clusters) -> None:
    process = clusters.start("start")
    try:
        assert wait_until(lambda: any("job_manager.py" in each for each in clusters.processes()))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)

    assert (process.returncode, out, err) == (130, "", "")
    assert clusters.processes() == []
    assert not clusters.directory.exists()


def test_an_interrupted_start_forgets_no_process(clusters: Clusters) -> None:
    process = clusters.start("start", before=INTERRUPTED)
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)

    assert (process.returncode, out, err) == (130, "", "")
    assert clusters.processes() == []


@pytest.mark.parametrize("word", ["taskmanager.numberOfTaskSlots", "=2"])
def test_a_setting_is_a_key_and_a_value(clusters: Clusters, word: str) -> None:
    code, out, err = clusters.run("start", "-D", word)

    assert (code, out) == (2, "")
    assert f"argument -D: {word}: give KEY=VALUE" in err


def test_a_java_that_is_too_old_is_named(clusters: Clusters) -> None:
    (clusters.stub / "java" / "release").write_text('JAVA_VERSION="1.8.0_392"\n')

    code, out, err = clusters.run("start")

    assert (code, out) == (1, "")
    assert err.startswith("flink-cluster: A Flink cluster is reached with Java 11 or later, and ")
