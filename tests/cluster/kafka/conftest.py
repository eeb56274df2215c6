"""What all tests with Kafka have: a topic's name of their own, and the command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from launched import Launcher

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def launcher(tmp_path: Path) -> Launcher:
    return Launcher(tmp_path)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """The name of the test, for topics, groups and uids that no other test has."""
    return re.sub(r"[^a-zA-Z0-9]", "-", request.node.name)
