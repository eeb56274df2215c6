"""Runs the real command in a directory of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from launched import Command

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)
