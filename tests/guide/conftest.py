"""What every section of the guide is tested with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from guided import Guide

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def guide(tmp_path: Path) -> Guide:
    return Guide(tmp_path)
