"""The settings for checkpoints in scripts."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from stream_engine.api.capture.snapshot import refuse
from stream_engine.api.plan import PartOfPlan
from stream_engine.api.time import milliseconds_of
from stream_engine.beans import with_properties
from stream_engine.configuration.options import (
    CHECKPOINT_INTERVAL,
    CHECKPOINT_MODE,
    CHECKPOINT_PAUSE,
    CHECKPOINT_TIMEOUT,
    TOLERABLE_FAILURES,
)

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration


class CheckpointingMode(Enum):
    """How often a record may count in the state after a failure: exactly once, or at least once."""

    EXACTLY_ONCE = "EXACTLY_ONCE"
    AT_LEAST_ONCE = "AT_LEAST_ONCE"


@with_properties
class CheckpointConfig(PartOfPlan):
    """The settings of an environment's checkpoints, under the names that Flink has for them; times in ms.

    A time is set with a Time, a timedelta, or an int of ms. What cannot work raises InvalidProgramException.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def is_checkpointing_enabled(self) -> bool:
        return self.get_checkpoint_interval() > 0

    def get_checkpoint_interval(self) -> int:
        return self._configuration.get(CHECKPOINT_INTERVAL)

    def set_checkpoint_interval(self, interval: Any) -> None:
        milliseconds = milliseconds_of(interval)
        if milliseconds < 1:
            refuse(f"The interval of checkpoints is at least 1 ms, not {interval!r}.")
        self._configuration.set(CHECKPOINT_INTERVAL, milliseconds)

    def disable_checkpointing(self) -> None:
        self._configuration.set(CHECKPOINT_INTERVAL, 0)

    def get_checkpointing_mode(self) -> CheckpointingMode:
        return CheckpointingMode(self._configuration.get(CHECKPOINT_MODE).upper())

    def set_checkpointing_mode(self, mode: CheckpointingMode) -> None:
        if not isinstance(mode, CheckpointingMode):
            refuse(f"A CheckpointingMode is needed, such as CheckpointingMode.EXACTLY_ONCE, not {mode!r}.")
        self._configuration.set(CHECKPOINT_MODE, mode.value)

    def get_checkpoint_timeout(self) -> int:
        return self._configuration.get(CHECKPOINT_TIMEOUT)

    def set_checkpoint_timeout(self, timeout: Any) -> None:
        """How long a checkpoint may take before it is given up."""
        self._configuration.set(CHECKPOINT_TIMEOUT, milliseconds_of(timeout))

    def get_min_pause_between_checkpoints(self) -> int:
        return self._configuration.get(CHECKPOINT_PAUSE)

    def set_min_pause_between_checkpoints(self, pause: Any) -> None:
        self._configuration.set(CHECKPOINT_PAUSE, milliseconds_of(pause))

    def get_max_concurrent_checkpoints(self) -> int:
        return 1

    def set_max_concurrent_checkpoints(self, number: int) -> None:
        """Takes 1 only: one checkpoint is taken at a time."""
        if number != 1:
            refuse(f"Checkpoints are taken one at a time: set_max_concurrent_checkpoints() takes 1, not {number!r}.")

    def get_tolerable_checkpoint_failure_number(self) -> int:
        return self._configuration.get(TOLERABLE_FAILURES)

    def set_tolerable_checkpoint_failure_number(self, number: int) -> None:
        """How many checkpoints in a row may fail before the job does."""
        self._configuration.set(TOLERABLE_FAILURES, number)

    isCheckpointingEnabled = is_checkpointing_enabled
    getCheckpointInterval = get_checkpoint_interval
    setCheckpointInterval = set_checkpoint_interval
    disableCheckpointing = disable_checkpointing
    getCheckpointingMode = get_checkpointing_mode
    setCheckpointingMode = set_checkpointing_mode
    getCheckpointTimeout = get_checkpoint_timeout
    setCheckpointTimeout = set_checkpoint_timeout
    getMinPauseBetweenCheckpoints = get_min_pause_between_checkpoints
    setMinPauseBetweenCheckpoints = set_min_pause_between_checkpoints
    getMaxConcurrentCheckpoints = get_max_concurrent_checkpoints
    setMaxConcurrentCheckpoints = set_max_concurrent_checkpoints
    getTolerableCheckpointFailureNumber = get_tolerable_checkpoint_failure_number
    setTolerableCheckpointFailureNumber = set_tolerable_checkpoint_failure_number
