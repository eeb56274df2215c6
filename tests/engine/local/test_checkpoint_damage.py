"""Checkpoints that are damaged, that nobody may trust, or that cannot be written: nothing complete is lost by it."""

from __future__ import annotations

import os
import re
import resource
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from checkpointed import Unhurried, first
from launched import Done, kill_quietly, wait_until
from recoverable import lines_of

from stream_engine.api.files import WriteMode
from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from collections.abc import Callable

    from checkpointed import Job
    from here import Here
    from launched import Launcher

RECORDS = 400
# In ms, between two checkpoints: a function that looks more often than that sees a moment when none is being taken.
BETWEEN = 300
STATE = 200_000
# Of a checkpoint that is being taken while its directory goes.
FORGIVING: dict[str, Any] = {"execution__checkpointing__tolerable_failed_checkpoints": 1_000}


class Once:
    """Has state of some size, so that a file with it can be found too large."""

    def __init__(self, job: Job, act: Callable[[Path], object], fails: bool) -> None:
        self._checkpoints = job.checkpoints
        self._marker = job.marker
        self._act = act
        self._fails = fails
        self._looking = Unhurried(0.002, BETWEEN / 3_000)
        # For another checkpoint, after it has acted.
        self._waits = False
        self._waiting = Unhurried(0.002)

    def map(self, value: int) -> int:
        if self._waits:
            self._waiting.pause()
        if self._marker.exists():
            return value
        self._looking.pause()
        complete = settled(self._checkpoints)
        if value > 10 and len(complete) > 1:
            self._marker.touch()
            self._waits = True
            self._act(complete[-1])
            if self._fails:
                raise ValueError("once")
        return value

    def snapshot_state(self) -> bytes:
        return bytes(STATE)

    def restore_state(self, state: bytes) -> None:
        assert state == bytes(STATE)


def settled(checkpoints: Path) -> list[Path]:
    """The directories of the complete checkpoints, by number; none while another one is being taken.

    So the only subtask of a job can tell, between two records, that there will be no newer one before it returns.
    """
    directories = sorted(checkpoints.glob("*/chk-*"), key=lambda path: int(path.name[4:]))
    return directories if all((path / "_metadata").exists() for path in directories) else []


def run(job: Job, act: Callable[[Path], object], fails: bool = True, **options: object) -> list[str]:
    """The lines on standard error of a job in which a worker, once there are some checkpoints, acts and fails.

    ``act`` gets the directory of the newest checkpoint.
    """
    return run_with(job, Once(job, act, fails), **options)


def run_with(job: Job, once: Once, **options: object) -> list[str]:
    env = job.environment(
        1,
        execution__checkpointing__interval=100,
        execution__checkpointing__min_pause=BETWEEN,
        state__checkpoints__num_retained=3,
        **options,
    )
    env.generate_sequence(1, RECORDS).map(once).write_as_text(str(job.output), WriteMode.OVERWRITE)
    return job.run(env)


def expect_exact_results(job: Job) -> None:
    assert lines_of(job.output) == [str(number) for number in range(1, RECORDS + 1)]


# --- damage -----------------------------------------------------------------------------------------------------------


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def tear(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def give_away(path: Path) -> None:
    os.chown(path, 65534, -1)


def open_up(path: Path) -> None:
    path.chmod(0o666)


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        ("worker-1", alter, "is damaged: its checksum"),
        ("worker-1", tear, "is damaged: it has"),
        ("worker-1", Path.unlink, "No such file"),
        ("_metadata", alter, "is damaged"),
        ("worker-1", open_up, "others can write to it"),
        pytest.param(
            "worker-1",
            give_away,
            "it belongs to another user",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away"),
        ),
    ],
)
def test_the_checkpoint_before_a_damaged_one_is_used_and_the_file_named(
    job: Job, name: str, damage: Callable[[Path], object], reason: str
) -> None:
    told = run(job, lambda newest: damage(newest / name))
    assert len(told) == 2, told
    assert f"/{name} " in told[0] or f"/{name}:" in told[0]
    assert reason in told[0]
    damaged = int(told[0].partition("chk-")[2].partition("/")[0])
    assert told[1].startswith(f"Restart 1 from checkpoint {damaged - 1}: ValueError: once")
    expect_exact_results(job)


@pytest.mark.parametrize("backend", ["hashmap", "rocksdb"])
@pytest.mark.parametrize(
    ("damage", "reason"),
    [(alter, "is damaged: its checksum"), (tear, "is damaged: it has"), (Path.unlink, "No such file")],
)
def test_a_checkpoint_is_not_used_whose_shared_file_is_damaged(
    job: Job, backend: str, damage: Callable[[Path], object], reason: str
) -> None:
    if backend == "rocksdb":
        pytest.importorskip("rocksdict")
    checkpoints, marker, looking = job.checkpoints, job.marker, Unhurried(0.002, BETWEEN / 3_000)

    def once(value: int) -> int:
        if marker.exists():
            return value
        looking.pause()
        complete = settled(checkpoints)
        if value > 10 and len(complete) > 1:
            marker.touch()
            texts = [(directory / "_metadata").read_text() for directory in complete[-2:]]
            before, newest = (set(re.findall('worker-[^"]*-[^"]*', text)) for text in texts)
            for name in newest - before:
                damage(complete[-1].parent / "shared" / name)
            raise ValueError("once")
        return value

    env = job.environment(
        1,
        execution__checkpointing__interval=100,
        execution__checkpointing__min_pause=BETWEEN,
        execution__checkpointing__incremental=True,
        state__checkpoints__num_retained=3,
        state__backend=backend,
    )
    sums = env.generate_sequence(1, RECORDS).map(once).key_by(lambda number: number % 7).reduce(lambda a, b: a + b)
    sums.write_as_text(str(job.output), WriteMode.OVERWRITE)
    *unread, restart = job.run(env)
    # More than one of them if another was taken while the function looked, which has the file, too.
    assert unread
    assert all("/shared/worker-1-" in each and reason in each for each in unread), unread
    assert re.match("Restart 1 from checkpoint [0-9]+: ValueError: once", restart)
    assert lines_of(job.output) == [str(sum(range(number % 7 or 7, number + 1, 7))) for number in range(1, RECORDS + 1)]


def test_without_any_undamaged_checkpoint_the_job_fails_and_what_there_is_stays(
    job: Job,
) -> None:
    def damage_all(newest: Path) -> None:
        for file in newest.parent.glob("chk-*/worker-1"):
            file.chmod(0o666)

    with pytest.raises(JobExecutionException) as failure:
        run(job, damage_all)
    assert "ValueError: once" in str(failure.value)
    assert "none of its checkpoints can be read" in str(failure.value)
    err = "\n".join(job.errors)
    complete = list(job.checkpoints.glob("*/chk-*/_metadata"))
    assert len(complete) > 1
    for metadata in complete:
        assert f"{metadata.parent}/worker-1 is not used for checkpoints: others can write to it" in err


def test_a_directory_that_is_removed_under_the_job_is_made_again_and_used(job: Job, tmp_path: Path) -> None:
    checkpoints, removed, marker = job.checkpoints, tmp_path / "removed", str(job.marker)
    unhurried = Unhurried(0.002)

    def once(value: int) -> int:
        if os.path.exists(marker):
            return value
        unhurried.pause()
        if list(checkpoints.glob("*/chk-*/_metadata")):
            if not removed.exists():
                checkpoints.rename(removed)
            elif first(marker):
                raise ValueError("once")
        return value

    env = job.environment(**FORGIVING)
    env.generate_sequence(1, RECORDS).map(once).write_as_text(str(job.output), WriteMode.OVERWRITE)
    told = [line for line in job.run(env) if "the job continues" not in line]
    assert len(told) == 1, told
    assert told[0].startswith("Restart 1 from checkpoint "), told
    expect_exact_results(job)


def test_a_job_whose_checkpoints_have_all_been_removed_does_not_begin_again(job: Job, tmp_path: Path) -> None:
    """What it has committed by then would be committed again."""
    with pytest.raises(JobExecutionException) as failure:
        run(job, lambda newest: newest.parent.rename(tmp_path / "removed"), **FORGIVING)
    assert "ValueError: once" in str(failure.value)
    assert "none of its checkpoints can be read" in str(failure.value)
    assert any(
        "chk-" in line and line.endswith("is gone: it has been removed while the job ran.") for line in job.errors
    )


# --- checkpoints that cannot be written -------------------------------------------------------------------------------


def test_a_disk_that_is_full_for_a_while_costs_a_restart_and_nothing_else(job: Job) -> None:
    told = run(job, lambda _: resource.setrlimit(resource.RLIMIT_FSIZE, (STATE // 2, STATE // 2)), fails=False)
    (line,) = told
    assert line.startswith("Restart 1 from checkpoint "), line
    assert f"has failed. Cannot write a checkpoint to {job.checkpoints}" in line
    assert line.endswith("worker-1: File too large.")
    expect_exact_results(job)


class FullForAWhile(Once):
    """Fills the disk once there are some checkpoints, and makes room when the first one after that has failed."""

    def __init__(self, job: Job) -> None:
        super().__init__(job, self._fill, fails=False)
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        self._asked = 0

    def _fill(self, _: Path) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (STATE // 2, self._before[1]))

    def snapshot_state(self) -> bytes:
        # One is taken at a time: the second comes when the first has failed.
        self._asked += self._waits
        if self._asked == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, self._before)
            self._waits = False
        return super().snapshot_state()


def test_checkpoints_that_fail_are_tolerated_as_often_as_is_said(job: Job) -> None:
    told = run_with(job, FullForAWhile(job), execution__checkpointing__tolerable_failed_checkpoints=1_000)
    assert told
    assert all("failed, the job continues: Cannot write a checkpoint to" in line for line in told), told
    expect_exact_results(job)


# Takes checkpoints of a state that is too large for the disk from some time on, which comes when there are any; where
# there is a file "full" already, it never comes, and the last lines are in no hurry while there is a file "held".
FULL = f"""
    import glob, os, time, resource
    from org.apache.flink.api.common.functions import MapFunction

    class Slow(MapFunction):
        pause = 0.002
        def map(self, line):
            time.sleep(self.pause)
            if int(line) < 200:
                return line
            if not os.path.exists("full"):
                if glob.glob("checkpoints/*/chk-*/_metadata"):
                    open("full", "w").close()
                    resource.setrlimit(resource.RLIMIT_FSIZE, ({STATE // 2}, {STATE // 2}))
                else:
                    self.pause *= 1.1
            elif os.path.exists("held"):
                self.pause = min(1.1 * self.pause, 1)
            return line
        def snapshot_state(self):
            return bytes({STATE})
        def restore_state(self, state):
            pass

    def main(factory):
        env = factory.get_execution_environment()
        env.read_text_file("numbers").map(Slow()).write_as_text("output")
        env.execute()
"""
KEPT = ("-D", "execution.checkpointing.interval=50", "-D", "state.checkpoints.dir=checkpoints")


@pytest.fixture
def full(here: Here) -> Done:
    """A job that has failed because the disk was full."""
    here.write("numbers", "".join(f"{number}\n" for number in range(RECORDS)))
    return here.run(FULL, *KEPT, "-D", "restart-strategy=none")


def test_a_job_that_a_full_disk_failed_resumes_when_there_is_room(full: Done, here: Here) -> None:
    assert full.code == 1
    hint, report, *_ = full.err.splitlines()
    assert report.startswith("Checkpoint ")
    assert "has failed. Cannot write a checkpoint to" in report
    assert "Traceback" not in full.err
    _, found, path = hint.partition("-s ")
    assert found, full.err
    done = here.run(FULL, *KEPT, "-s", path)
    assert (done.code, done.err) == (0, "")
    assert lines_of(here.directory / "output") == [str(number) for number in range(RECORDS)]


def test_a_checkpoint_whose_metadata_cannot_be_written_does_not_count(launcher: Launcher) -> None:
    done = launcher.run(
        """
        import resource, time
        def slow(number):
            time.sleep(0.002)
            return number
        def main(factory):
            env = factory.get_execution_environment()
            env.generate_sequence(1, 400).map(slow).write_as_text("output")
            # Of this process, which writes nothing but the metadata.
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
            env.execute()
        """,
        *KEPT,
        "-D",
        "restart-strategy=none",
    )
    assert done.code == 1
    assert done.err.startswith("Checkpoint 1 has failed. Cannot write a checkpoint to "), done.err
    assert list(launcher.directory.glob("checkpoints/*")) == []


@pytest.mark.parametrize(
    "directory",
    [
        "in-the-way",
        pytest.param("locked", marks=pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")),
    ],
)
def test_a_directory_that_cannot_be_written_to_is_an_error_before_a_record_is_read(here: Here, directory: str) -> None:
    here.write("in-the-way", "")
    (here.directory / "locked").mkdir(mode=0o500)
    done = here.run(
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1).map(print).write_as_text("output")
            env.execute()
        """,
        "-D",
        "execution.checkpointing.interval=1000",
        "-D",
        f"state.checkpoints.dir={directory}",
    )
    assert (done.code, done.lines) == (1, [])
    assert done.err.startswith(f"Cannot write a checkpoint to {here.directory / directory}/"), done.err
    assert not (here.directory / "output").exists()


# --- what a job resumes from -----------------------------------------------------------------------------------------


@pytest.fixture
def checkpoint(here: Here) -> Path:
    """A checkpoint of a job that was killed."""
    here.write("numbers", "".join(f"{number}\n" for number in range(RECORDS)))
    here.write("full", "")
    here.write("held", "")
    before = os.umask(0)
    try:
        process = here.start(FULL, *KEPT, "-D", "state.checkpoints.num-retained=3")
    finally:
        os.umask(before)
    try:
        assert wait_until(lambda: len(list(here.directory.glob("checkpoints/*/chk-*/_metadata"))) > 2)
    finally:
        kill_quietly(process)
    (here.directory / "held").unlink()
    metadata = max(here.directory.glob("checkpoints/*/chk-*/_metadata"), key=lambda path: path.stat().st_mtime_ns)
    return metadata.parent


def test_checkpoints_are_their_owners_alone(checkpoint: Path) -> None:
    for directory in (checkpoint, checkpoint.parent):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    files = list(checkpoint.iterdir())
    assert {file.name for file in files} == {"_metadata", "worker-1"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        ("worker-1", alter, "worker-1 is damaged: its checksum is not that of its contents."),
        ("worker-1", tear, "worker-1 is damaged: it has "),
        ("worker-1", Path.unlink, "worker-1: No such file or directory."),
        ("_metadata", alter, "_metadata is damaged"),
        ("_metadata", open_up, "_metadata is not used for checkpoints: others can write to it"),
        ("", lambda path: path.chmod(0o777), " is not used for checkpoints: others can write to it"),
    ],
)
def test_no_job_resumes_from_a_checkpoint_that_was_altered(
    here: Here, checkpoint: Path, name: str, damage: Callable[[Path], Any], reason: str
) -> None:
    output = (here.directory / "output").read_bytes()
    damage(checkpoint / name)
    done = here.run(FULL, "-s", str(checkpoint))
    assert (done.code, done.lines) == (1, [])
    assert f"{checkpoint}{'/' if name else ''}{reason}" in done.err.splitlines()[0], done.err
    assert (here.directory / "output").read_bytes() == output


def test_missing_results_are_noticed(here: Here, checkpoint: Path) -> None:
    (here.directory / "output").unlink()
    done = here.run(FULL, "-s", str(checkpoint))
    assert done.code == 1
    assert "output: at the checkpoint it had " in done.err, done.err
    assert checkpoint.is_dir()
