"""The settings of checkpoints that scripts make."""

from __future__ import annotations

from enum import Enum


class CheckpointingMode(Enum):
    """How often a record may count in the state after a failure: exactly once, or at least once."""

    EXACTLY_ONCE = "EXACTLY_ONCE"
    AT_LEAST_ONCE = "AT_LEAST_ONCE"
