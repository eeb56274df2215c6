"""A store that tests can have without a server: fsspec's own in memory, empty, in this process alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import fsspec

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def memory() -> Iterator[Any]:
    """The file system of ``memory://``, which is empty before and after."""
    system: Any = fsspec.filesystem("memory")

    def clear() -> None:
        system.store.clear()
        system.pseudo_dirs[:] = [""]

    clear()
    yield system
    clear()
