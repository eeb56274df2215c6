"""Runs the real command in a directory of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from launched import Command

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def patient(command: Command) -> None:
    """For tests that compare all that a failed job says: what stops by itself has time to, however slow it is."""
    command.write("conf/flink-conf.yaml", "task.cancellation.timeout: 150 s\n")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)
