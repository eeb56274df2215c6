"""How scripts configure checkpoints, restarts and state."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from stream_engine.api.checkpointing import CheckpointingMode
from stream_engine.api.functions import MapFunction, SinkFunction, SourceFunction
from stream_engine.api.restart import RestartStrategies
from stream_engine.api.time import Time
from stream_engine.job import InvalidProgramException

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration

# --- settings --------------------------------------------------------------------------------------------------------


def executed(env: Any, executor: Any) -> Configuration:
    """The configuration that a job of the environment gets."""
    env.from_elements(1)
    env.execute()
    return executor.jobs[-1].configuration


def test_the_settings_of_checkpoints_are_the_jobs(env: Any, executor: Any) -> None:
    settings = env.get_checkpoint_config()
    assert not settings.is_checkpointing_enabled()
    settings.set_checkpoint_interval(Time.seconds(5))
    settings.setCheckpointingMode(CheckpointingMode.AT_LEAST_ONCE)
    settings.setCheckpointTimeout(60_000)
    settings.setMinPauseBetweenCheckpoints(timedelta(milliseconds=500))
    settings.set_max_concurrent_checkpoints(1)
    settings.setTolerableCheckpointFailureNumber(2)

    assert settings.isCheckpointingEnabled()
    assert (settings.get_checkpoint_interval(), settings.get_checkpointing_mode()) == (
        5000,
        CheckpointingMode.AT_LEAST_ONCE,
    )
    assert (settings.get_checkpoint_timeout(), settings.get_min_pause_between_checkpoints()) == (60_000, 500)
    assert settings.get_tolerable_checkpoint_failure_number() == 2
    configuration = executed(env, executor)
    assert {key: configuration.get(key) for key in configuration.to_dict() if key.startswith("execution.")} == {
        "execution.checkpointing.interval": 5000,
        "execution.checkpointing.mode": "at_least_once",
        "execution.checkpointing.timeout": 60_000,
        "execution.checkpointing.min-pause": 500,
        "execution.checkpointing.tolerable-failed-checkpoints": 2,
    }


def test_the_mode_is_exactly_once_unless_it_is_set(env: Any) -> None:
    assert env.get_checkpoint_config().get_checkpointing_mode() is CheckpointingMode.EXACTLY_ONCE


@pytest.mark.parametrize("interval", [0, -1, "5 s", 1.5, None])
def test_an_interval_that_is_no_time_is_refused(env: Any, interval: Any) -> None:
    with pytest.raises(InvalidProgramException, match=r"test_checkpoints_api\.py:\d+: "):
        env.enable_checkpointing(interval)


def test_only_one_checkpoint_is_taken_at_a_time(env: Any) -> None:
    with pytest.raises(InvalidProgramException, match="Checkpoints are taken one at a time"):
        env.get_checkpoint_config().setMaxConcurrentCheckpoints(2)


def test_checkpoints_can_be_switched_off_again(env: Any) -> None:
    settings = env.get_checkpoint_config()
    settings.set_checkpoint_interval(10)
    settings.disable_checkpointing()
    assert not settings.is_checkpointing_enabled()


@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        (RestartStrategies.no_restart(), {"": "none"}),
        (RestartStrategies.fallBackRestart(), {"": "auto"}),
        (RestartStrategies.fixedDelayRestart(3, Time.seconds(2)), {"": "fixed-delay", "attempts": 3, "delay": 2000}),
        (
            RestartStrategies.failure_rate_restart(2, Time.minutes(5), 10),
            {"": "failure-rate", "max-failures-per-interval": 2, "failure-rate-interval": 300_000, "delay": 10},
        ),
        (
            RestartStrategies.exponential_delay_restart(10, 1000, 2.0, Time.hours(1), 0.25),
            {
                "": "exponential-delay",
                "initial-backoff": 10,
                "max-backoff": 1000,
                "backoff-multiplier": 2.0,
                "reset-backoff-threshold": 3_600_000,
                "jitter-factor": 0.25,
            },
        ),
    ],
)
def test_a_restart_strategy_is_the_jobs(env: Any, executor: Any, strategy: Any, options: dict[str, Any]) -> None:
    env.set_restart_strategy(strategy)
    configuration = executed(env, executor)
    kind = options.pop("")
    assert configuration.get("restart-strategy") == kind
    assert {name: configuration.get(f"restart-strategy.{kind}.{name}") for name in options} == options


@pytest.mark.parametrize("strategy", ["fixed-delay", RestartStrategies, None])
def test_what_is_no_strategy_is_refused(env: Any, strategy: Any) -> None:
    with pytest.raises(InvalidProgramException, match=r"such as RestartStrategies\.fixed_delay_restart\(3, 1000\)"):
        env.set_restart_strategy(strategy)


@pytest.mark.parametrize("attempts", [-1, 1.5, "3", True])
def test_a_number_of_restarts_is_a_whole_one(attempts: Any) -> None:
    with pytest.raises(InvalidProgramException, match=r"is a whole number from 0, not"):
        RestartStrategies.fixed_delay_restart(attempts, 1000)


def test_every_operator_takes_a_uid(env: Any, executor: Any) -> None:
    words = env.from_elements("a").uid("source").map(str).uid("map")
    keyed = words.key_by(str)
    keyed.reduce(max).uid("reduce").output().uid("sink")
    keyed.time_window(10).reduce(max).uid("windows")
    loop = words.iterate().uid("loop")
    loop.close_with(loop.filter(bool).uid("feedback"))
    words.split(str).uid("split")
    env.execute()
    uids = {node.uid for node in executor.jobs[0].graph.nodes}
    assert uids == {"source", "map", "reduce", "sink", "windows", "loop", "feedback", "split"}


@pytest.mark.parametrize("uid", ["", None, 7])
def test_a_uid_is_a_text(words: Any, uid: Any) -> None:
    with pytest.raises(InvalidProgramException, match="A uid is a str that is not empty, not"):
        words.map(str).uid(uid)


# --- functions with state --------------------------------------------------------------------------------------------


class Replayable(SourceFunction):
    def run(self, ctx: Any) -> None:
        ctx.collect(1)

    def snapshotState(self) -> Any:
        return 1

    def restoreState(self, state: Any) -> None:
        pass


class Plain(SourceFunction):
    def run(self, ctx: Any) -> None:
        ctx.collect(1)


class Forgetful(Plain):
    def snapshot_state(self) -> Any:
        return 1


class Timestamped(MapFunction):
    def map(self, value: Any) -> Any:
        return value

    def snapshot_state(self, checkpoint: Any, timestamp: Any) -> Any:
        return 1

    def restore_state(self, state: Any) -> None:
        pass


def test_a_source_that_has_state_is_known_to_resume(env: Any, executor: Any) -> None:
    env.add_source(Replayable())
    env.add_source(Plain())
    env.execute()
    assert [node.operator.replayable for node in executor.jobs[0].graph.nodes] == [True, False]


def test_a_function_that_gives_its_state_must_take_it_back(env: Any) -> None:
    text = r"Forgetful has no method restore_state\(state\): snapshot_state and restore_state belong together\."
    with pytest.raises(InvalidProgramException, match=text):
        env.add_source(Forgetful())


def test_methods_for_state_are_checked_as_others_are(words: Any) -> None:
    with pytest.raises(
        InvalidProgramException, match=r"Timestamped\.snapshot_state\(checkpoint, timestamp\) has the wrong"
    ):
        words.map(Timestamped())


class Mute(Plain):
    def snapshot_state(self) -> Any:
        self.state = 1

    def restore_state(self, state: Any) -> None:
        pass


def test_state_that_is_not_returned_is_refused(env: Any) -> None:
    with pytest.raises(InvalidProgramException, match=r"Mute\.snapshot_state\(\) has no return, so its result is"):
        env.add_source(Mute())


class Committing(SinkFunction):
    def invoke(self, value: Any) -> None:
        pass

    def begin(self) -> Any:
        return 1

    def pre_commit(self, transaction: Any) -> None:
        pass

    def commit(self, transaction: Any) -> None:
        pass

    def abort(self, transaction: Any) -> None:
        pass


class Unabortable(Committing):
    abort = None  # pyright: ignore[reportAssignmentType]


class Database(SinkFunction):
    """A sink of a script that knows nothing of two phases."""

    def invoke(self, value: Any) -> None:
        self.commit()

    def begin(self) -> None:
        pass

    def commit(self) -> None:
        pass


def test_a_sink_that_pre_commits_writes_in_transactions(words: Any, env: Any, executor: Any) -> None:
    words.add_sink(Committing())
    words.add_sink(Database())
    env.execute()
    assert [node.operator.transactional for node in executor.jobs[0].graph.nodes[1:]] == [True, False]


def test_a_sink_that_pre_commits_needs_the_rest_of_what_transactions_take(words: Any) -> None:
    text = r"Unabortable has no method abort\(transaction\): begin, pre_commit, commit and abort belong together\."
    with pytest.raises(InvalidProgramException, match=text):
        words.add_sink(Unabortable())
