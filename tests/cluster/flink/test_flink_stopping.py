"""A client can be stopped at any time, and what it cannot see of its job, the cluster itself shows."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest
from flink_commands import LONG
from launched import finish, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from flink_commands import FlinkCluster, FlinkCommand

# Each starts Java and Python workers, which takes long where the machine is busy.
pytestmark = pytest.mark.timeout(1500)

SENT = """
import sys
import time

def main(factory):
    import stream_engine.flink.client.submission as submission

    made = submission._transformations

    def touched(*args):
        open(sys.argv[1], "w").close()
        streams = made(*args)
        # A signal that comes late still comes before the job is sent.
        time.sleep(20)
        return streams

    submission._transformations = touched
    env = factory.get_execution_environment()
    env.generate_sequence(1, 100).output()
    env.execute(sys.argv[2])
"""

ENDLESS = """
import time

class Endless:
    def run(self, ctx):
        while True:
            ctx.collect(1)
            time.sleep(0.001)

def main(factory):
    env = factory.get_execution_environment()
    env.add_source(Endless()).output()
    env.execute("left at once")
"""

PRINTING = """
import sys

def told(number):
    print(f"printed {number}")
    sys.stderr.write(f"written {number}\\n")
    return number

def main(factory):
    env = factory.get_execution_environment()
    env.from_elements(1).map(told).map(lambda number: f"output {number}").output()
    env.execute("printing")
"""

LOSING = """
import time

class Slow:
    def run(self, ctx):
        for number in range(20):
            ctx.collect(number)
            time.sleep(0.1)

def main(factory):
    import stream_engine.flink.client.refusals as refusals

    refusals._check_bundles = lambda configuration: None
    env = factory.get_execution_environment()
    env.add_source(Slow()).map(str).output()
    env.execute("losing")
"""

OTHER_PYTHON = """
def main(factory):
    import stream_engine.flink.worker.function as function

    init = function.TaskFunction.__init__

    def of_another(self, *args, **options):
        init(self, *args, **options)
        self._python = (3, 2)

    function.TaskFunction.__init__ = of_another
    env = factory.get_execution_environment()
    env.from_elements(1).output()
    env.execute("other python")
"""

SIMPLE = """
def main(factory):
    env = factory.get_execution_environment()
    env.from_elements(1).output()
    env.execute("simple")
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_client_while_the_plan_goes_to_java(
    flink: FlinkCommand, cluster: FlinkCluster, number: signal.Signals, status: int
) -> None:
    script, begun = flink.write("script.py", SENT), flink.directory / "begun"
    process = flink.start(script, "-", begun, number.name)
    assert wait_until(lambda: begun.exists() or process.poll() is not None, LONG)
    process.send_signal(number)

    done = finish(process, LONG)

    assert (done.code, done.err) == (status, "")
    assert cluster.jobs(number.name) == []


def test_a_second_ctrl_c_leaves_at_once_without_internal_frames(flink: FlinkCommand) -> None:
    process = flink.start(flink.write("script.py", ENDLESS))
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    process.send_signal(signal.SIGINT)
    # Until then, another one would be the same request; a job that has ended by then leaves nothing to be left.
    wait_until(lambda: process.poll() is not None, 0.3)
    process.send_signal(signal.SIGINT)

    done = finish(process, LONG)

    assert done.code == 130
    assert "Traceback" not in done.err


def test_what_a_detached_job_prints_and_outputs_is_in_the_logs(flink: FlinkCommand, cluster: FlinkCluster) -> None:
    done = flink.run("--detached", flink.write("script.py", PRINTING))
    assert done.code == 0, done.err
    cluster.await_state("printing", "FINISHED")

    def logged() -> bool:
        try:
            texts = [path.read_text(errors="replace") for path in cluster.directory.rglob("*") if is_log(path)]
        except FileNotFoundError:
            # Flink removes what the job had there.
            return False
        return all(any(line in text for text in texts) for line in ("printed 1", "written 1", "output 1"))

    assert wait_until(logged)


def is_log(path: Path) -> bool:
    return path.is_file() and path.suffix in (".log", ".out")


def test_a_detached_job_that_loses_records_has_failed(flink: FlinkCommand, cluster: FlinkCluster) -> None:
    done = flink.run("--detached", "-D", "python.fn-execution.bundle.size=1", flink.write("script.py", LOSING))
    assert done.code == 0, done.err

    cluster.await_state("losing", "FAILED")

    job = cluster.jobs("losing")[0]["jid"]
    (failure,) = cluster.get(f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"]
    assert "1 of its subtasks did not" in failure["stacktrace"]


def test_workers_with_another_python_end_a_job_that_restarts(flink: FlinkCommand, cluster: FlinkCluster) -> None:
    done = flink.run("-D", "execution.checkpointing.interval=1 s", flink.write("script.py", OTHER_PYTHON))

    assert done.code == 1
    assert done.err.replace("\n", " ").startswith("The workers of the Flink cluster run Python 3.")
    assert "Restart 2" not in done.err
    assert cluster.state("other python") in ("CANCELED", "FAILED")


def test_workers_without_apache_flink_end_a_job_that_restarts(flink: FlinkCommand, cluster: FlinkCluster) -> None:
    bare = flink.write("python", f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n')
    bare.chmod(0o755)

    done = flink.run(
        "-D", "execution.checkpointing.interval=1 s", "-D", f"python.executable={bare}", flink.write("s.py", SIMPLE)
    )

    assert done.code == 1
    assert done.err.startswith("The Python of the cluster's workers has no apache-flink.")
    assert cluster.state("simple") in ("CANCELED", "FAILED")


def test_workers_of_this_machine_with_another_python_are_refused(flink: FlinkCommand, cluster: FlinkCluster) -> None:
    other = flink.write("python", "#!/bin/sh\necho 3.2\n")
    other.chmod(0o755)

    done = flink.run("-D", f"python.executable={other}", flink.write("script.py", SIMPLE.replace("simple", "other")))

    assert done.code == 2
    assert "The workers of the Flink cluster run Python 3.2" in done.err.replace("\n", " ")
    assert cluster.jobs("other") == []


def test_flink_has_a_job_by_the_id_that_it_had_before(flink: FlinkCommand, cluster: FlinkCluster) -> None:
    script = flink.write(
        "script.py", SIMPLE.replace('env.execute("simple")', 'print(env.execute("known").get_job_id())')
    )

    assert flink.run(script).lines[-1] == cluster.jobs("known")[0]["jid"]
