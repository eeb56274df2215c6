"""What is known of a file without opening it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable


@dataclass(frozen=True)
class FileStatus:
    """What stands at a path: a ``directory``, a ``regular`` file of ``size`` bytes, or neither (a pipe, a device).

    ``identity`` is the same for all names of one file or directory.
    """

    directory: bool
    regular: bool
    size: int
    identity: Hashable = field(default=None, compare=False)
