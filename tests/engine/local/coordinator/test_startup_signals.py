"""Signals to the whole process group while a run starts: it ends with the signal's status, and without a word."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from launched import GROUP, PATIENCE, kill_quietly

if TYPE_CHECKING:
    import subprocess

    from launched import Command

SCRIPT = """
    import time
    import step
    def main(factory):
        env = factory.get_execution_environment()
        env.generate_sequence(1, 10**12).map(lambda n: time.sleep(0.01) or n).rebalance().filter(lambda n: False)
        env.execute()
"""
# Signals the process group when one of its processes begins to import a module.
SIGNALLING = """
    import os, sys
    module, number, sent = os.environ["SIGNALLING"].split(",")
    class Signalling:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == module and not os.path.exists(sent):
                open(sent, "w").close()
                os.killpg(0, int(number))
    sys.meta_path.insert(0, Signalling)
"""
# The steps of the launcher and of the fork server, until the job runs.
MODULES = [
    "pyflink_stream.program",
    "stream_engine.local.forkserver.client",
    "stream_engine.local.forkserver.process",
    "stream_engine.local.worker.process",
    "pyflink_stream.cli",
    "pyflink_stream.launcher",
    "stream_engine.local.executor",
    "step",  # by the script
    "cloudpickle",
]
STATUSES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def start(command: Command, module: str, number: int, *args: str) -> subprocess.Popen[str]:
    """A run in a process group of its own, that gets a signal when ``module`` is imported."""
    script = command.write("program.py", SCRIPT)
    command.write("step.py", "")
    command.write("sitecustomize.py", SIGNALLING)
    path = os.pathsep.join([str(command.directory), command.environment["PYTHONPATH"]])
    signalling = f"{module},{int(number)},sent"
    return command.start(*args, script, popen=GROUP, PYTHONPATH=path, SIGNALLING=signalling)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("number", STATUSES)
def test_a_signal_while_a_run_starts_ends_it_silently(command: Command, module: str, number: signal.Signals) -> None:
    process = start(command, module, number, "-p", "2")
    try:
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)
    assert (process.returncode, err) == (STATUSES[number], "")


@pytest.mark.parametrize("module", ["pyflink_stream.cli", "pyflink_stream.launcher", "step"])
@pytest.mark.parametrize("number", STATUSES)
def test_a_stop_before_the_job_runs_says_that_no_savepoint_was_taken(
    command: Command, module: str, number: signal.Signals
) -> None:
    process = start(command, module, number, "--stop-with-savepoint", "savepoints")
    try:
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)
    told = "Warning: no savepoint was taken, as no job is running\n"
    assert (process.returncode, err) == (STATUSES[number], told)
