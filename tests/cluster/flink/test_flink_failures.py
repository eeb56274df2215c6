"""What goes wrong on a Flink cluster is told as on this machine, and what is stopped leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from flink_commands import LONG
from launched import GROUP, finish, wait_until
from machine_load import MachineLoad

# Each starts Java and Python workers, which takes long where the machine is busy.
pytestmark = pytest.mark.timeout(1500)

if TYPE_CHECKING:
    from flink_commands import FlinkCluster, FlinkCommand
    from launched import Command

BROKEN = """
def main(factory):
    env = factory.get_execution_environment()
    env.generate_sequence(1, 100).map(lambda number: 6 // (number - 50)).output()
    env.execute("broken")
"""

ENDLESS = """
import time

class Endless:
    number = 0

    def run(self, ctx):
        while True:
            with ctx.get_checkpoint_lock():
                ctx.collect(self.number)
                self.number += 1
            time.sleep(0.001)

    def snapshot_state(self):
        return self.number

    def restore_state(self, number):
        self.number = number

def main(factory):
    env = factory.get_execution_environment()
    env.add_source(Endless()).output()
    env.execute("endless")
"""
CHECKPOINTS = ("-D", "execution.checkpointing.interval=500 ms")

TIMED = """
import sys

def invert(number):
    if number == 1:
        open(sys.argv[1], "w").close()
    return 6 // (number - 50)

def main(factory):
    env = factory.get_execution_environment()
    env.generate_sequence(1, 100).map(invert).output()
    env.execute("timed")
"""


def report(err: str) -> str:
    """Without the number of the subtask that the record has come to, which is not the same on both engines."""
    return re.sub(r"subtask \d of", "subtask of", err)


def test_an_error_is_reported_as_on_this_machine(flink: FlinkCommand, local: Command, cluster: FlinkCluster) -> None:
    script = flink.write("script.py", BROKEN)

    there, here = flink.run("-p", "2", script), local.run("-p", "2", script)

    assert there.code == here.code == 1
    assert report(there.err) == report(here.err)
    assert "with the record 50" in there.err
    cluster.await_state("broken", "FAILED")


def test_an_error_ends_the_job_within_15_seconds_of_the_first_record(flink: FlinkCommand) -> None:
    script, begun = flink.write("script.py", TIMED), flink.directory / "begun"

    with MachineLoad() as machine:
        assert flink.run(script, "-", begun).code == 1
        seconds = time.time() - begun.stat().st_mtime

    assert seconds < 15 * machine.slowness


def test_a_python_worker_that_dies_is_called_that(flink: FlinkCommand) -> None:
    script = flink.write("script.py", BROKEN.replace("6 // (number - 50)", "__import__('os')._exit(3)"))

    done = flink.run(script)

    assert done.code == 1
    assert "A Python worker of the cluster died" in done.err
    assert "\tat org.apache" not in done.err


@pytest.mark.parametrize("options", [(), CHECKPOINTS], ids=["plain", "checkpointed"])
def test_ctrl_c_cancels_the_job_within_5_seconds_and_leaves_nothing(
    flink: FlinkCommand, cluster: FlinkCluster, options: tuple[str, ...]
) -> None:
    process = flink.start(*options, flink.write("script.py", ENDLESS))
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    with MachineLoad() as machine:
        asked = time.time()
        process.send_signal(signal.SIGINT)
        done = finish(process, LONG)
        cluster.await_state("endless", "CANCELED")
        seconds = cluster.details("endless")["timestamps"]["CANCELED"] / 1000 - asked

    assert (done.code, done.err) == (130, "")
    assert seconds < 5 * machine.slowness
    assert wait_until(cluster.rests, LONG)


def test_a_signal_to_all_processes_of_a_client_ends_its_job_in_silence(
    flink: FlinkCommand, cluster: FlinkCluster
) -> None:
    process = flink.start(flink.write("script.py", ENDLESS), popen=GROUP)
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    # As timeout(1) does it.
    os.killpg(process.pid, signal.SIGTERM)

    done = finish(process, LONG)

    assert (done.code, done.err) == (143, "")
    cluster.await_state("endless", "CANCELED")


def test_a_detached_job_runs_on_by_itself(flink: FlinkCommand, cluster: FlinkCluster) -> None:
    script = flink.write("script.py", BROKEN.replace("6 // (number - 50)", "number").replace("broken", "left alone"))

    done = flink.run("--detached", script)

    assert (done.code, done.lines) == (0, [])
    identifier = cluster.jobs("left alone")[0]["jid"]
    assert f"Job 'left alone' runs as {identifier}: http://{cluster.address}/#/job/{identifier}" in done.err
    cluster.await_state("left alone", "FINISHED")


def test_a_job_that_is_too_wide_is_refused(flink: FlinkCommand, cluster: FlinkCluster) -> None:
    script = flink.write("script.py", BROKEN.replace("broken", "too wide"))

    done = flink.run("-p", "9", script)

    assert done.code == 2
    assert "The job needs 9 slots" in done.err.replace("\n", " ")
    assert cluster.jobs("too wide") == []


def test_an_iteration_is_refused_at_its_line(flink: FlinkCommand, cluster: FlinkCluster) -> None:
    script = flink.write(
        "script.py",
        """
        def main(factory):
            env = factory.get_execution_environment()
            loop = env.from_elements(3).iterate()
            loop.close_with(loop.map(lambda number: number - 1).filter(lambda number: number > 0))
            env.execute("loop")
        """,
    )

    done = flink.run(script)

    assert done.code == 2
    assert "script.py:3" in done.err
    assert "no iterations since version 2" in done.err.replace("\n", " ")
    assert cluster.jobs("loop") == []


def test_a_remote_environment_of_the_script_runs_its_job_there(local: Any, cluster: FlinkCluster) -> None:
    host, port = cluster.address.split(":")
    script = local.write(
        "script.py",
        f"""
        def main(factory):
            env = factory.create_remote_execution_environment({host!r}, {port}, 2)
            env.from_elements("there").output()
            print(env.execute("remote").get_job_id())
        """,
    )

    done = local.run("--progress", "always", script)

    assert done.code == 0, done.err
    # What is said at the end counts records, of which Flink sees none.
    assert "remote finished: 1 record in, 1 out, " in done.err
    assert done.lines == ["1> there", cluster.jobs("remote")[0]["jid"]]


def test_no_process_of_the_client_is_left(flink: FlinkCommand) -> None:
    before = gateways()
    flink.run(flink.write("script.py", BROKEN))

    assert wait_until(lambda: gateways() <= before)


def gateways() -> set[str]:
    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listed.splitlines() if "PythonGatewayServer" in line}
