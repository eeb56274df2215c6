"""Our options as Flink's: what of a configuration means something to the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.configuration.options import (
    ATTACHED,
    BACKOFF_JITTER,
    BACKOFF_MULTIPLIER,
    BACKOFF_RESET,
    BUFFER_TIMEOUT,
    CANCELLATION_TIMEOUT,
    CHECKPOINT_DIRECTORY,
    CHECKPOINT_INTERVAL,
    CHECKPOINT_MODE,
    CHECKPOINT_PAUSE,
    CHECKPOINT_TIMEOUT,
    FAILURE_DELAY,
    FAILURE_INTERVAL,
    FIXED_DELAY,
    FIXED_DELAY_ATTEMPTS,
    HEARTBEAT_INTERVAL,
    HEARTBEAT_TIMEOUT,
    IGNORE_UNCLAIMED_STATE,
    INCREMENTAL_CHECKPOINTS,
    INITIAL_BACKOFF,
    MAX_BACKOFF,
    MAX_FAILURES,
    METRICS_PORT,
    OPTIONS,
    RESTART_STRATEGY,
    RETAINED_CHECKPOINTS,
    SAVEPOINT_DIRECTORY,
    SAVEPOINT_PATH,
    STATE_BACKEND,
    TOLERABLE_FAILURES,
)
from stream_engine.flink.client.rest import as_url
from stream_engine.flink.client.savepoints import LENIENT_KEY, SAVEPOINT_KEY
from stream_engine.job import ClusterUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping

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
_DIRECTORY = "execution.checkpointing.dir"
# Where Flink 2 has another key for what Flink 1 called so.
_RENAMED: dict[str, str] = {
    CHECKPOINT_DIRECTORY.key: _DIRECTORY,
    SAVEPOINT_DIRECTORY.key: "execution.checkpointing.savepoint-dir",
    RETAINED_CHECKPOINTS.key: "execution.checkpointing.num-retained",
    IGNORE_UNCLAIMED_STATE.key: LENIENT_KEY,
}
# Where Flink looks for the place of checkpoints, and how it is told that the JobManager's memory is meant.
_DIRECTORIES = (_DIRECTORY, CHECKPOINT_DIRECTORY.key, "state.backend.fs.checkpointdir")
_STORAGES = ("execution.checkpointing.storage", "state.checkpoint-storage")
# Of what keeps state, and that which writes all of it to each checkpoint; two are former names.
_BACKENDS, _IN_MEMORY = ("state.backend.type", STATE_BACKEND.key), {"hashmap", "jobmanager", "filesystem"}
# Of the cluster as a whole, and its own for that.
_ITS_OWN = (HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT, METRICS_PORT)


def check_checkpoints(configuration: Configuration, cluster: Mapping[str, str]) -> None:
    """Raises ClusterUnusable where the checkpoints of a job have no place on a cluster that is configured so."""
    places = [each.get(key) for each in (configuration.to_dict(), cluster) for key in (*_DIRECTORIES, *_STORAGES)]
    if configuration.get(CHECKPOINT_INTERVAL) and not any(places):
        raise ClusterUnusable(
            "The job takes checkpoints, and neither it nor the cluster says where to keep them. Flink would keep them "
            "in the JobManager's memory, where a subtask with more than 5 MB of state fails again and again: set "
            f"{CHECKPOINT_DIRECTORY.key} to a directory that all machines can write to."
        )


def ignored_options(configuration: Configuration, cluster: Mapping[str, str]) -> list[str]:
    """The keys that were set, would change the job on this machine, and change nothing on a cluster configured so."""
    own = configuration.to_dict()
    ignored = [
        each.key for each in _ITS_OWN if _is_changed(configuration, each) and own[each.key] != cluster.get(each.key)
    ]
    if configuration.get(RESTART_STRATEGY) not in ("auto", "none") and _cannot_restart(configuration):
        ignored.append(RESTART_STRATEGY.key)
    backends = {each.get(key, "hashmap").lower() for each in (own, cluster) for key in _BACKENDS}
    if configuration.get(INCREMENTAL_CHECKPOINTS) and backends <= _IN_MEMORY:
        ignored.append(INCREMENTAL_CHECKPOINTS.key)
    return ignored


def flink_settings(configuration: Configuration, cluster: Mapping[str, str]) -> dict[str, str]:
    """Flink's keys and values for a job: our options where they were set, and all keys that are not ours as they are.

    ``cluster`` is the configuration of the JobManager. Whether a job restarts is never left to it: as on one machine,
    a job does if it takes checkpoints.
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
    # The file of options that comes with this has the defaults of one machine, which are not to change a cluster's.
    if _is_changed(configuration, INCREMENTAL_CHECKPOINTS):
        put(INCREMENTAL_CHECKPOINTS, "true")
    if _is_changed(configuration, CANCELLATION_TIMEOUT):
        put(CANCELLATION_TIMEOUT, f"{configuration.get(CANCELLATION_TIMEOUT)} ms")
    if configuration.get(BUFFER_TIMEOUT) < 0:
        settings["execution.buffer-timeout.enabled"] = "false"
    elif configuration.contains_key(BUFFER_TIMEOUT):
        settings["execution.buffer-timeout.interval"] = f"{configuration.get(BUFFER_TIMEOUT)} ms"
    if not any(each.get(key) for each in (settings, cluster) for key in _DIRECTORIES):
        # Without one, not even a savepoint could have more than 5 MB of a subtask.
        settings[_DIRECTORY] = settings.get(_RENAMED[SAVEPOINT_DIRECTORY.key], "")
    interval = configuration.get(CHECKPOINT_INTERVAL)
    if interval:
        settings[CHECKPOINT_INTERVAL.key] = f"{interval} ms"
        # Whatever was asked for: in the other mode Flink's sink for the client gives nothing after a restart.
        settings[CHECKPOINT_MODE.key] = "EXACTLY_ONCE"
    elif configuration.get(SAVEPOINT_DIRECTORY):
        # A savepoint that fails leaves the job alone.
        settings[TOLERABLE_FAILURES.key] = str(2**31 - 1)
    settings["restart-strategy.type"] = _restart_strategy(configuration)
    return {key: value for key, value in settings.items() if value}


def _is_changed(configuration: Configuration, option: ConfigOption[Any]) -> bool:
    """Whether the option was set to something else than its default."""
    return configuration.contains_key(option) and configuration.get(option) != option.type.parse(option.default)


def _restart_strategy(configuration: Configuration) -> str:
    strategy = configuration.get(RESTART_STRATEGY)
    if strategy == "auto":
        return "exponential-delay" if configuration.get(CHECKPOINT_INTERVAL) else "disable"
    return "disable" if strategy == "none" or _cannot_restart(configuration) else strategy


def _cannot_restart(configuration: Configuration) -> bool:
    """Without checkpoints, Flink's sink for a client fails when its job begins anew."""
    return configuration.get(ATTACHED) and not configuration.get(CHECKPOINT_INTERVAL)
