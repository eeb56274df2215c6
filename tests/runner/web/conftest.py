"""A browser, and a page for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import Browser, missing
from shown import Served

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One for all tests, as its start takes seconds."""
    lacking = missing()
    if lacking:
        pytest.skip(lacking)
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture
def served() -> Iterator[Served]:
    """A page about what the test says."""
    served = Served()
    yield served
    served.server.close()
