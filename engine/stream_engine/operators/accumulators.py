"""The accumulators of several functions, brought together by their names."""

from __future__ import annotations

from typing import Any


class Accumulators:
    """For each name, what functions of one worker, or workers of one job, have added under it."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[Any]] = {}

    def add(self, name: str, accumulator: Any) -> None:
        """Raises TypeError for what is no accumulator, or is of another type than others of that name."""
        kind = type(accumulator)
        if not isinstance(name, str) or not all(hasattr(kind, method) for method in ("merge", "getLocalValue")):
            raise TypeError(f"add_accumulator() takes a name and an Accumulator, not {name!r} and {accumulator!r}")
        others = self._by_name.setdefault(name, [])
        if others and type(others[0]) is not kind:
            raise TypeError(
                f"the accumulator {name!r} is {_with_article(kind)} here and {_with_article(type(others[0]))} in "
                "another function, so the two cannot be merged: give one another name"
            )
        # An object that functions share, a global of their module say, is not to be merged with itself.
        if not any(accumulator is other for other in others):
            others.append(accumulator)

    def merged(self) -> dict[str, Any]:
        """One accumulator per name, to be asked for once: the first of each name has taken in the others."""
        merged: dict[str, Any] = {}
        for name, (first, *others) in self._by_name.items():
            for other in others:
                first.merge(other)
            merged[name] = first
        return merged


def _with_article(kind: type) -> str:
    return f"{'an' if kind.__name__[0] in 'AEIOUaeiou' else 'a'} {kind.__name__}"
