"""What tests of the launcher share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from here import CommandHere

if TYPE_CHECKING:
    from pathlib import Path

    from launched import Command

    from stream_engine.local.forkserver.client import ForkServer


@pytest.fixture
def patient(command: Command) -> None:
    """For tests that compare all that a failed job says: what stops by itself has time to, however slow it is."""
    command.write("conf/flink-conf.yaml", "task.cancellation.timeout: 150 s\n")


@pytest.fixture
def quick(tmp_path: Path, server: ForkServer, capfd: pytest.CaptureFixture[str]) -> CommandHere:
    """Far cheaper, for tests of what is run and said, not of processes."""
    return CommandHere(tmp_path, server, capfd)
