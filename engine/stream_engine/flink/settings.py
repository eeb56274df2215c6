"""Our options as Flink's: what of a configuration means something to the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.configuration.options import (
    BACKOFF_JITTER,
    BACKOFF_MULTIPLIER,
    BACKOFF_RESET,
    CHECKPOINT_DIRECTORY,
    CHECKPOINT_INTERVAL,
    CHECKPOINT_MODE,
    CHECKPOINT_PAUSE,
    CHECKPOINT_TIMEOUT,
    FAILURE_DELAY,
    FAILURE_INTERVAL,
    FIXED_DELAY,
    FIXED_DELAY_ATTEMPTS,
    IGNORE_UNCLAIMED_STATE,
    INITIAL_BACKOFF,
    MAX_BACKOFF,
    MAX_FAILURES,
    OPTIONS,
    RESTART_STRATEGY,
    RETAINED_CHECKPOINTS,
    SAVEPOINT_DIRECTORY,
    SAVEPOINT_PATH,
    TOLERABLE_FAILURES,
)
from stream_engine.flink.rest import as_url
from stream_engine.flink.savepoints import LENIENT_KEY, SAVEPOINT_KEY

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration
    from stream_engine.configuration.options import ConfigOption

_DURATIONS = (
    CHECKPOINT_TIMEOUT,
    CHECKPOINT_PAUSE,
    FIXED_DELAY,
    INITIAL_BACKOFF,
    MAX_BACKOFF,
    BACKOFF_RESET,
    FAILURE_INTERVAL,
    FAILURE_DELAY,
)
_NUMBERS = (TOLERABLE_FAILURES, FIXED_DELAY_ATTEMPTS, BACKOFF_MULTIPLIER, BACKOFF_JITTER, MAX_FAILURES)
# Where Flink 2 has another key for what Flink 1 called so.
_RENAMED: dict[str, str] = {
    CHECKPOINT_DIRECTORY.key: "execution.checkpointing.dir",
    SAVEPOINT_DIRECTORY.key: "execution.checkpointing.savepoint-dir",
    RETAINED_CHECKPOINTS.key: "execution.checkpointing.num-retained",
    IGNORE_UNCLAIMED_STATE.key: LENIENT_KEY,
}


def flink_settings(configuration: Configuration) -> dict[str, str]:
    """Flink's keys and values for a job: our options where they were set, and all keys that are not ours as they are.

    Whether a job restarts is never left to the cluster: as on one machine, it does if it takes checkpoints.
    """
    settings = {key: value for key, value in configuration.to_dict().items() if key not in OPTIONS}

    def put(option: ConfigOption[Any], value: str) -> None:
        if configuration.contains_key(option):
            settings[_RENAMED.get(option.key, option.key)] = value

    for option in _DURATIONS:
        put(option, f"{configuration.get(option)} ms")
    for option in (*_NUMBERS, RETAINED_CHECKPOINTS):
        put(option, str(configuration.get(option)))
    for option in (CHECKPOINT_DIRECTORY, SAVEPOINT_DIRECTORY):
        if configuration.get(option):
            put(option, as_url(configuration.get(option)))
    if configuration.get(SAVEPOINT_PATH):
        settings[SAVEPOINT_KEY] = as_url(configuration.get(SAVEPOINT_PATH))
    put(IGNORE_UNCLAIMED_STATE, str(configuration.get(IGNORE_UNCLAIMED_STATE)).lower())
    interval = configuration.get(CHECKPOINT_INTERVAL)
    if interval:
        settings[CHECKPOINT_INTERVAL.key] = f"{interval} ms"
        settings[CHECKPOINT_MODE.key] = configuration.get(CHECKPOINT_MODE).upper()
    settings["restart-strategy.type"] = _restart_strategy(configuration, bool(interval))
    return {key: value for key, value in settings.items() if value}


def _restart_strategy(configuration: Configuration, checkpointed: bool) -> str:
    strategy = configuration.get(RESTART_STRATEGY)
    if strategy == "auto":
        return "exponential-delay" if checkpointed else "disable"
    return "disable" if strategy == "none" else strategy
