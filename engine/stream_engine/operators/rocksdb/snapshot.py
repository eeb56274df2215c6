"""The database as it was at one time, in files that the database shares with it as long as both have them."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocksdict import Rdict

_BLOCK = 1024 * 1024


class DatabaseSnapshot:
    """Made in the new directory ``path``, which is deleted with this. ``database`` is a name that no other one has.

    Large files have the same contents in all snapshots that have a file of that name.
    """

    def __init__(self, rdict: Rdict, path: str, database: str) -> None:
        from rocksdict import Checkpoint

        self.database = database
        self._path = path
        Checkpoint(rdict).create_checkpoint(path)

    def large_files(self) -> list[str]:
        return [name for name in sorted(os.listdir(self._path)) if name.endswith(".sst")]

    def small_files(self) -> list[str]:
        """Those without which the database cannot be read."""
        names = sorted(os.listdir(self._path))
        return [name for name in names if not name.endswith(".sst") and not name.startswith("OPTIONS")]

    def read(self, name: str) -> Iterator[bytes]:
        with open(os.path.join(self._path, name), "rb") as file:
            while block := file.read(_BLOCK):
                yield block

    def __del__(self) -> None:
        shutil.rmtree(self._path, ignore_errors=True)
