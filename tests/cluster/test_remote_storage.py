"""Jobs whose files, checkpoints and savepoints are on HDFS or in S3."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest
from killing import Killer, workers_of
from word_counts import TEXT, checkpoints_on, expected

if TYPE_CHECKING:
    from pathlib import Path

    from launched import Command
    from remote_stores import Store

RESTARTS = (
    "-D", "restart-strategy=fixed-delay",
    "-D", "restart-strategy.fixed-delay.attempts=1000",
    "-D", "restart-strategy.fixed-delay.delay=0",
    "-D", "execution.checkpointing.tolerable-failed-checkpoints=1000",
)  # fmt: skip


# Checkpoints share files with each other then.
INCREMENTAL = ("-D", "execution.checkpointing.incremental=true")


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("checkpointed", [False, True], ids=["plain", "checkpointed"])
def test_word_count_from_store_to_store_equals_the_local_one(
    command: Command, script: Path, store: Store, parallelism: int, checkpointed: bool
):
    options = [*store.options, *(checkpoints_on(store) if checkpointed else [])]
    text = store.put("text", TEXT)

    done = command.run("-p", parallelism, *options, script, "-", text, store.url("counts"), "", **store.environment)

    assert (done.code, done.err) == (0, "")
    assert store.lines("counts") == expected(command, script)
    names = store.files("counts")
    if checkpointed:
        assert all(name.startswith("part-") for name in names)
        assert store.files("checkpoints") == []
    else:
        assert names == (["counts"] if parallelism == 1 else ["1", "2"])


@pytest.mark.parametrize(("parallelism", "backend"), [(1, "hashmap"), (2, "hashmap"), (2, "rocksdb")])
@pytest.mark.timeout(900)
def test_with_20_kills_nothing_is_lost_and_nothing_is_repeated(
    command: Command, script: Path, store: Store, parallelism: int, backend: str
):
    gate = command.directory / "gate"
    text = store.put("text", TEXT)
    options = [*store.options, *checkpoints_on(store), *RESTARTS, "-D", f"state.backend={backend}", *INCREMENTAL]

    process = command.start(
        "-p", parallelism, *options, script, "-", text, store.url("counts"), gate, **store.environment
    )
    with Killer(lambda: workers_of(process.pid), 20, parallelism, 1.5, gate.touch) as killer:
        _, err = process.communicate(timeout=800)

    assert process.returncode == 0, err
    assert killer.kills == 20
    assert store.lines("counts") == expected(command, script)
    assert all(name.startswith("part-") for name in store.files("counts"))


def test_a_job_that_was_stopped_resumes_from_its_savepoint_at_another_parallelism(
    command: Command, script: Path, store: Store
):
    gate = command.directory / "gate"
    text = store.put("text", TEXT)
    parameters = ("-", text, store.url("counts"), gate)
    options = [*store.options, *checkpoints_on(store)]
    savepoints = ["--stop-with-savepoint", store.url("savepoints")]

    process = command.start("-p", 2, *options, *savepoints, script, *parameters, **store.environment)
    limit = time.monotonic() + 200
    while not store.lines("counts"):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    (savepoint,) = (line.partition(": ")[2] for line in err.splitlines() if line.startswith("Savepoint: "))
    assert savepoint.startswith(store.url("savepoints"))

    gate.touch()
    done = command.run("-p", 3, *options, "-s", savepoint, script, *parameters, **store.environment)

    assert done.code == 0, done.err
    assert store.lines("counts") == expected(command, script)


def test_a_script_and_a_package_are_run_from_the_store(command: Command, store: Store):
    store.put("job/words.py", b"def words(line): return line.split()\n")
    script = store.put(
        "job/count.py",
        b"import words\n"
        b"def main(factory):\n"
        b"    env = factory.get_execution_environment()\n"
        b"    env.from_elements('a b', 'c').flat_map(lambda line, out: [out.collect(w) for w in words.words(line)])"
        b".rebalance().output()\n"
        b"    env.execute()\n",
    )

    done = command.run("-p", 2, *store.options, script, store.url("job/words.py"), **store.environment)

    assert (done.code, done.err) == (0, "")
    assert sorted(line.partition("> ")[2] for line in done.lines) == ["a", "b", "c"]
