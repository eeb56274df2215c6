"""What every section of the guide is tested with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from guided import Guide
from here import CommandHere

if TYPE_CHECKING:
    from pathlib import Path

    from stream_engine.local.forkserver.client import ForkServer


@pytest.fixture
def guide(tmp_path: Path, server: ForkServer, capfd: pytest.CaptureFixture[str]) -> Guide:
    return Guide(CommandHere(tmp_path, server, capfd))
