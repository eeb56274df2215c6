"""Merges the accumulators of several functions by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState

_NAME = "accumulators"


class Accumulators:
    """The accumulators of the functions of one worker, or of the workers of one job, by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, list[Any]] = {}

    def add(self, name: str, accumulator: Any) -> bool:
        """Returns whether it was new. Raises TypeError if it is none, or others of that name have another type."""
        kind = type(accumulator)
        if not isinstance(name, str) or not all(hasattr(kind, method) for method in ("merge", "getLocalValue")):
            raise TypeError(f"add_accumulator() takes a name and an Accumulator, not {name!r} and {accumulator!r}")
        others = self.by_name.setdefault(name, [])
        if others and type(others[0]) is not kind:
            raise TypeError(
                f"the accumulator {name!r} is {_with_article(kind)} here and {_with_article(type(others[0]))} in "
                "another function, so the two cannot be merged: give one another name"
            )
        # Functions may share an object, for example a global of their module: it is not merged with itself.
        new = not any(accumulator is other for other in others)
        if new:
            others.append(accumulator)
        return new

    def remove(self, name: str, accumulator: Any) -> None:
        """Removes an accumulator."""
        self.by_name[name] = [other for other in self.by_name[name] if other is not accumulator]

    def merged(self) -> dict[str, Any]:
        """One accumulator per name: merges the others into the first. Call it once."""
        merged: dict[str, Any] = {}
        for name, (first, *others) in self.by_name.items():
            for other in others:
                first.merge(other)
            merged[name] = first
        return merged


class OwnAccumulators:
    """The accumulators of one operator in one subtask. An added one begins with what a checkpoint had of it."""

    def __init__(self) -> None:
        self._all = Accumulators()
        self._added: dict[str, Any] = {}
        # The accumulators that belong to this operator alone: another one would restore them a second time.
        self._new: dict[str, Any] = {}
        self._restored: dict[str, Any] = {}

    def open(self, accumulators: Accumulators) -> None:
        """Adds them to ``accumulators``, restored ones at once, others when they come."""
        self._all = accumulators
        for name, accumulator in self._restored.items():
            accumulators.add(name, accumulator)

    def add(self, name: str, accumulator: Any) -> None:
        """Raises ValueError if the operator has one of that name, TypeError as ``Accumulators.add`` does."""
        if name in self._added:
            raise ValueError(f"this function has an accumulator {name!r} already: get_accumulator({name!r}) returns it")
        new = self._all.add(name, accumulator)
        self._added[name] = accumulator
        if new:
            self._new[name] = accumulator
        if new and name in self._restored:
            restored = self._restored.pop(name)
            self._all.remove(name, restored)
            accumulator.merge(restored)

    def __contains__(self, name: str) -> bool:
        return name in self._added

    def get(self, name: str) -> Any:
        """Raises ValueError if the operator has none of that name."""
        if name not in self._added:
            raise ValueError(f"this function has no accumulator {name!r}: add_accumulator() it first, in open()")
        return self._added[name]

    def snapshot(self, snapshot: OperatorSnapshot) -> None:
        if kept := {**self._restored, **self._new}:
            snapshot.split[_NAME] = [kept]

    def restore(self, state: RestoredState) -> None:
        for kept in state.elements(_NAME):
            for name, accumulator in kept.items():
                if name in self._restored:
                    self._restored[name].merge(accumulator)
                else:
                    self._restored[name] = accumulator


def _with_article(kind: type) -> str:
    return f"{'an' if kind.__name__[0] in 'AEIOUaeiou' else 'a'} {kind.__name__}"
