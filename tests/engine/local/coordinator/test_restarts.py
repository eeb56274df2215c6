"""When failed jobs are restarted, and what they say then."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from launched import PATIENCE
from recoverable import lines_of

from stream_engine.api.files import WriteMode
from stream_engine.api.restart import RestartStrategies
from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from checkpointed import Job
    from launched import Launcher


def failing(job: Job, **options: Any) -> Any:
    env = job.environment(execution__checkpointing__interval=0, **options)

    def fail(number: int) -> int:
        raise ValueError(f"no {number}")

    env.from_elements(7).map(fail).name("failing").output()
    return env


def test_a_job_is_not_restarted_unless_it_takes_checkpoints_or_is_told_to(job: Job) -> None:
    with pytest.raises(JobExecutionException, match="ValueError: no 7") as raised:
        failing(job, restart_strategy="auto").execute()
    assert job.errors == []
    assert repr(raised.value.__cause__) == "ValueError('no 7')"


def test_after_so_many_restarts_the_job_fails_with_the_last_cause(job: Job) -> None:
    with pytest.raises(JobExecutionException, match="ValueError: no 7\n  in operator 'failing'") as raised:
        failing(job, restart_strategy__fixed_delay__attempts=2).execute()
    lines = job.errors
    assert [line.partition(" (subtask")[0] for line in lines] == [
        f"Restart {number} from the beginning: ValueError: no 7 in operator 'failing'" for number in (1, 2)
    ]
    assert repr(raised.value.__cause__) == "ValueError('no 7')"


def test_a_script_s_own_strategy_counts(job: Job) -> None:
    env = failing(job)
    env.set_restart_strategy(RestartStrategies.fixed_delay_restart(1, 250))
    with pytest.raises(JobExecutionException, match="ValueError: no 7"):
        env.execute()
    (line,) = job.errors
    assert line.startswith("Restart 1 from the beginning in 0.2 s: ValueError: no 7")


def test_a_job_that_waits_for_its_restart_can_be_stopped(launcher: Launcher) -> None:
    script = """
        def fail(number):
            raise ValueError(f"no {number}")

        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(7).map(fail).output()
            env.execute()
        """
    options = ("-D", "restart-strategy=fixed-delay", "-D", "restart-strategy.fixed-delay.delay=1 h")
    with launcher.start(script, *options) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Restart 1 from the beginning in 3600.0 s: ValueError: no 7")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 143


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (signal.SIGKILL, "Worker 1 of 1 was killed by SIGKILL."),
        (signal.SIGSTOP, "Worker 1 of 1 has sent no heartbeat for 5 s (heartbeat.timeout)."),
    ],
)
def test_a_worker_that_is_dead_or_hung_is_replaced(job: Job, number: int, cause: str) -> None:
    # Long for a worker that is only slow.
    env = job.environment(heartbeat__timeout=5000, heartbeat__interval=100)
    numbers = env.generate_sequence(1, 200).map(job.once(act=lambda: os.kill(os.getpid(), number)))
    numbers.write_as_text(str(job.output), WriteMode.OVERWRITE)
    (line,) = job.run(env)
    assert line.startswith("Restart 1 from checkpoint ")
    assert cause in line
    assert Counter(lines_of(job.output)) == Counter(map(str, range(1, 201)))
