"""Guesses which existing name is meant by an unknown one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, names: Iterable[str], cutoff: float = 0.7) -> str | None:
    """The one of ``names`` that looks most like ``name``, however that is spelt: flat_map, FlatMap, flatmap.

    ``cutoff`` is how alike they must be, from 0 to 1; None when none is.
    """
    from difflib import get_close_matches

    plain = {each.lower().replace("_", ""): each for each in names}
    matches = get_close_matches(name.lower().replace("_", ""), plain, n=1, cutoff=cutoff)
    return plain[matches[0]] if matches else None
