"""The finder of a program's modules, as it is installed in a process with threads that import, too."""

from __future__ import annotations

import sys
from itertools import count
from types import ModuleType
from typing import TYPE_CHECKING

from pyflink_stream.imports import ProgramFinder

if TYPE_CHECKING:
    import pytest


def test_modules_that_other_threads_import_meanwhile_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = count()

    def import_another(name: str) -> None:
        other = f"imported_meanwhile_{next(numbers)}"
        monkeypatch.setitem(sys.modules, other, ModuleType(other))

    finder = ProgramFinder({}, [], {})
    monkeypatch.setattr(finder, "_archived", import_another)

    finder.install()
    finder.uninstall()

    assert next(numbers) > 1
    assert finder not in sys.meta_path
