from __future__ import annotations

import pytest
from launched import Jobs

from stream_engine.local.inline.executor import InlineExecutor


@pytest.fixture
def inline(capfd: pytest.CaptureFixture[str]) -> Jobs:
    """Jobs in this process and thread."""
    return Jobs(InlineExecutor(), capfd)
