"""Savepoints, and runs that resume from them."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import pytest
from interrupted import LINES, savepoint_named_in
from launched import PATIENCE, kill_quietly, wait_until
from recoverable import lines_of

if TYPE_CHECKING:
    from interrupted import Numbers
    from launched import Launcher


@pytest.mark.parametrize(
    ("first", "second", "number"),
    [
        (1, 1, signal.SIGINT),
        (2, 2, signal.SIGTERM),
        (1, 3, signal.SIGTERM),
        (3, 2, signal.SIGTERM),
        (2, 1, signal.SIGTERM),
    ],
)
def test_two_runs_with_a_savepoint_between_them_write_what_one_run_does(
    numbers: Numbers, first: int, second: int, number: signal.Signals
) -> None:
    process = numbers.start("-p", first, "--stop-with-savepoint", "savepoints")
    try:
        savepoint = numbers.stop(process, number)
    finally:
        kill_quietly(process)
    assert 0 < len(lines_of(numbers.directory / "counts")) < LINES
    numbers.go_on("-p", second, "-s", savepoint)
    numbers.expect_exact_results()


@pytest.mark.parametrize(("first", "second"), [("rocksdb", "rocksdb"), ("rocksdb", "hashmap"), ("hashmap", "rocksdb")])
def test_a_job_resumes_wherever_its_state_was_and_is_kept(numbers: Numbers, first: str, second: str) -> None:
    pytest.importorskip("rocksdict")
    checkpoints = ("-D", "execution.checkpointing.interval=20")
    process = numbers.start(
        "-p", 2, "-D", f"state.backend={first}", *checkpoints, "--stop-with-savepoint", "savepoints"
    )
    try:
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)
    numbers.go_on("-p", 2, "-D", f"state.backend={second}", "-s", savepoint_named_in(err))
    numbers.expect_exact_results()


def test_a_savepoint_can_be_taken_of_a_job_that_continues(numbers: Numbers) -> None:
    process = numbers.start("-p", 2, "--savepoint", "savepoints")
    try:
        process.send_signal(signal.SIGUSR1)
        assert wait_until(lambda: any(numbers.savepoints.rglob("_metadata")))
        (numbers.directory / "hurry").touch()
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)
    assert (process.returncode, out, err.count("\n")) == (0, "", 1), err
    numbers.expect_exact_results()
    # What has been written since is written anew.
    numbers.go_on("-p", 2, "-s", savepoint_named_in(err))
    numbers.expect_exact_results()


def test_a_job_that_went_on_from_a_savepoint_can_be_stopped_with_another(numbers: Numbers) -> None:
    savepoint = ""
    for _ in range(2):
        resumed = ["-s", savepoint] if savepoint else []
        process = numbers.start("-p", 2, "--stop-with-savepoint", "savepoints", *resumed)
        try:
            savepoint = numbers.stop(process)
        finally:
            kill_quietly(process)
    numbers.go_on("-p", 2, "-s", savepoint)
    numbers.expect_exact_results()


def test_a_job_resumes_from_a_checkpoint_of_one_that_was_killed(numbers: Numbers) -> None:
    checkpoints = ("-D", "execution.checkpointing.interval=20", "-D", "state.checkpoints.dir=checkpoints")
    process = numbers.start("-p", 2, *checkpoints)
    try:
        assert wait_until(lambda: bool(list(numbers.directory.glob("checkpoints/*/chk-*/_metadata"))))
    finally:
        kill_quietly(process)
    (run,) = (numbers.directory / "checkpoints").iterdir()
    numbers.go_on("-p", 2, "-s", str(run))
    numbers.expect_exact_results()


@pytest.mark.parametrize("parallelism", [1, 2])
def test_nothing_comes_out_after_the_savepoint_that_a_job_is_stopped_with(numbers: Numbers, parallelism: int) -> None:
    script = """
        import slow
        def main(factory):
            env = factory.get_execution_environment()
            env.read_text_file("numbers").map(slow.parse).key_by(lambda n: n).map(lambda n: n).output()
            env.execute()
    """
    process = numbers.start("-p", parallelism, "--stop-with-savepoint", "savepoints", script=script)
    try:
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)
    done = numbers.run(script, "-p", parallelism, "-s", savepoint_named_in(err))
    lines = [*out.splitlines(), *done.lines]
    assert sorted(int(line.rpartition(" ")[2]) for line in lines) == list(range(LINES))


def test_the_first_job_of_a_script_resumes_from_the_savepoint_and_the_others_begin(launcher: Launcher) -> None:
    script = """
        import os, time
        def slow(number):
            open("running", "w").close()
            if not os.path.exists("resumed"):
                time.sleep(0.25)
            return number
        def main(factory):
            for name in ("first", "second"):
                env = factory.get_execution_environment()
                env.generate_sequence(1, 60).map(slow).write_as_text(name)
                env.execute(name)
    """
    process = launcher.start(script, "--stop-with-savepoint", "savepoints")
    try:
        assert wait_until((launcher.directory / "running").exists)
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        kill_quietly(process)
    assert not (launcher.directory / "second").exists()
    (launcher.directory / "resumed").touch()
    done = launcher.run(script, "-s", savepoint_named_in(err))
    assert (done.code, done.err) == (0, "")
    for name in ("first", "second"):
        assert lines_of(launcher.directory / name) == [str(number) for number in range(1, 61)]


# --- scripts that have changed ----------------------------------------------------------------------------------------

COUNTING = """
    import slow
    def main(factory):
        env = factory.get_execution_environment()
        numbers = env.read_text_file("numbers").uid("lines").map(slow.parse)
        pairs = numbers.map(lambda n: (n % 5, 1)).key_by(lambda pair: pair[0])
        counts = pairs.reduce(lambda a, b: (a[0], a[1] + b[1])).uid("count")
        counts.write_as_text("counts").uid("counts")
        numbers.key_by(lambda n: n % 2).reduce(lambda a, b: a + b).uid("sum").name("Sum").filter(lambda _: False)
        env.execute()
"""
# Another operator before those with state, one of which has gone to where it has another index; and "sum" is gone.
CHANGED = """
    def main(factory):
        env = factory.get_execution_environment()
        numbers = env.read_text_file("numbers").uid("lines").filter(lambda line: line).map(int).map(lambda n: n + 0)
        pairs = numbers.map(lambda n: (n % 5, 1)).key_by(lambda pair: pair[0])
        counts = pairs.reduce(lambda a, b: (a[0], a[1] + b[1])).uid("count")
        counts.map(lambda pair: (*pair, "changed")).write_as_text("counts").uid("counts")
        env.execute()
"""


def test_a_changed_script_takes_over_the_state_of_operators_that_keep_their_uid(numbers: Numbers) -> None:
    process = numbers.start("--stop-with-savepoint", "savepoints", script=COUNTING)
    try:
        savepoint = numbers.stop(process)
    finally:
        kill_quietly(process)
    before = lines_of(numbers.directory / "counts")
    # State that nothing in the script is for would be lost: that is for the user to decide.
    refused = numbers.run(CHANGED, "-s", savepoint)
    assert refused.code == 1
    assert f"{savepoint} has state of 'Sum' (uid sum), and this job has no operator for it." in refused.err
    assert "--allow-non-restored-state" in refused.err
    assert lines_of(numbers.directory / "counts") == before
    accepted = numbers.run(CHANGED, "-s", savepoint, "--allow-non-restored-state")
    assert (accepted.code, accepted.err) == (0, "")
    counts = [(key, rank) for rank in range(1, LINES // 5 + 1) for key in range(5)]
    assert lines_of(numbers.directory / "counts") == [
        *map(str, counts[: len(before)]),
        *(str((*count, "changed")) for count in counts[len(before) :]),
    ]


WINDOWED = """
    import slow
    def main(factory):
        env = factory.get_execution_environment()
        numbers = env.read_text_file("numbers").uid("lines").map(slow.parse).map(lambda n: (n % 5, n))
        keyed = numbers.key_by(lambda pair: pair[0])
        {operators}
        env.execute()
"""
COUNTED = WINDOWED.format(operators='keyed.count_window(1000).reduce(max){uid}.write_as_text("out").uid("out")')
TIMED = COUNTED.replace("count_window(1000)", "time_window(3_600_000)")


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize(
    ("uid", "error"),
    [
        ('.uid("max")', "there is state of count windows, which this operator cannot take over"),
        ("", "has state of 'Window Reduce: max' (uid WindowReduce-"),
    ],
)
def test_open_windows_of_another_kind_are_refused(numbers: Numbers, uid: str, error: str, parallelism: int) -> None:
    process = numbers.start("-p", 2, "--stop-with-savepoint", "savepoints", script=COUNTED.format(uid=uid))
    try:
        savepoint = numbers.stop(process)
    finally:
        kill_quietly(process)
    done = numbers.run(TIMED.format(uid=uid), "-p", parallelism, "-s", savepoint)
    assert done.code == 1
    assert error in done.err
    assert "--allow-non-restored-state" in done.err
    left = ("-s", savepoint, "--allow-non-restored-state")
    assert numbers.run(TIMED.format(uid=uid and '.uid("other")'), "-p", 2, *left).code == 0
    assert lines_of(numbers.directory / "out")


def test_a_new_operator_does_not_get_the_state_of_one_that_reads_the_same(numbers: Numbers) -> None:
    script = WINDOWED.format(operators='keyed.reduce(max){uid}.write_as_text("out").uid("out")')
    process = numbers.start("--stop-with-savepoint", "savepoints", script=script.format(uid=""))
    try:
        savepoint = numbers.stop(process)
    finally:
        kill_quietly(process)
    before = lines_of(numbers.directory / "out")
    changed = script.replace("keyed.reduce(max)", "keyed.reduce(min).filter(lambda _: False); keyed.reduce(max)")
    refused = numbers.run(changed.format(uid=""), "-s", savepoint)
    assert refused.code == 1
    assert "nothing says which operator of this job it is for" in refused.err
    assert lines_of(numbers.directory / "out") == before
    [uid] = re.findall(r"'Reduce: max' \(uid (\S+)\)", refused.err)
    accepted = numbers.run(changed.format(uid=f'.uid("{uid}")'), "-s", savepoint)
    assert (accepted.code, accepted.err) == (0, "")
    assert lines_of(numbers.directory / "out") == [str((number % 5, number)) for number in range(LINES)]


def test_the_savepoint_of_another_job_is_refused(numbers: Numbers) -> None:
    process = numbers.start("--stop-with-savepoint", "savepoints", script=COUNTING)
    try:
        savepoint = numbers.stop(process)
    finally:
        kill_quietly(process)
    before = (numbers.directory / "counts").read_bytes()
    done = numbers.run(
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1, 2).key_by(lambda n: n).reduce(lambda a, b: b).write_as_text("counts")
            env.execute("Other")
        """,
        "-s",
        savepoint,
    )
    assert done.code == 1
    assert f"{savepoint} is of another job, 'Flink Streaming Job'" in done.err
    assert (numbers.directory / "counts").read_bytes() == before
