"""The state of an operator in a checkpoint, and how subtasks share it when it is restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stream_engine.operators.tables import Entries


LEAVE_BEHIND = (
    "give the operator another uid(...) in the script, and leave that state behind with --allow-non-restored-state"
)
"""What to do about state that the operator with its uid cannot restore."""


class StateError(Exception):
    """An operator cannot restore its state; the message says why and what to do."""


class OperatorSnapshot:
    """The state of one operator in one subtask, each part by its name. Pickle it before the next record.

    ``keyed``: tables by key; the entries of a key go to the subtask that its records go to.
    ``split``: elements that any subtask can resume with.
    ``own``: state for this subtask alone; at another parallelism every subtask gets that of all of them.
    """

    def __init__(
        self,
        keyed: dict[str, Entries] | None = None,
        split: dict[str, list[Any]] | None = None,
        own: dict[str, Any] | None = None,
    ) -> None:
        self.keyed = keyed or {}
        self.split = split or {}
        self.own = own or {}

    def __bool__(self) -> bool:
        """Whether there is any state."""
        return bool(self.own) or any(self.keyed.values()) or any(self.split.values())


class Share:
    """The entries of some tables whose keys' records come to subtask ``index`` of ``width``."""

    def __init__(self, tables: Sequence[Entries], index: int = 0, width: int = 1) -> None:
        self._tables = tables
        self._index = index
        self._width = width

    def items(self) -> Iterator[tuple[Any, Any]]:
        for table in self._tables:
            for key, value in table.items():
                if hash(key) % self._width == self._index:
                    yield key, value


class RestoredState:
    """The state that subtask ``index`` of ``width`` resumes with.

    At the same parallelism ``own`` is what the subtask itself had. At another one it is empty, and ``everyone`` has the
    ``own`` state of each former subtask, in their order.
    """

    def __init__(self, index: int, width: int) -> None:
        self.index = index
        self.width = width
        self.keyed: dict[str, Share] = {}
        self.split: dict[str, list[Any]] = {}
        self.own: dict[str, Any] = {}
        self.everyone: dict[str, list[Any]] = {}
        self._taken: set[str] = set()

    def entries(self, name: str) -> Iterator[tuple[Any, Any]]:
        """The keys and values of a table that are this subtask's."""
        self._taken.add(name)
        return self.keyed[name].items() if name in self.keyed else iter(())

    def elements(self, name: str) -> list[Any]:
        """This subtask's share of what was ``split``."""
        self._taken.add(name)
        return self.split.get(name, [])

    def each(self, name: str) -> list[Any]:
        """Its own state as the only element, or everyone's, for operators that treat both alike."""
        return [self.own[name]] if name in self.own else self.everyone.get(name, [])

    def check_taken(self) -> None:
        """Raises StateError if there are entries or elements that nobody has asked for: they would be lost."""
        tables = (name for name, share in self.keyed.items() if any(True for _ in share.items()))
        left = {*tables, *(name for name, elements in self.split.items() if elements)} - self._taken
        if left:
            raise StateError(
                f"there is state of {_for_people(min(left))}, which this operator cannot take over: {LEAVE_BEHIND}"
            )


def _for_people(name: str) -> str:
    kind, _, rest = name.partition(" ")
    if kind == "pane":
        size, slide, *_ = rest.split(" ")
        return windows_of(int(size), int(slide))
    if rest:
        return f"a {kind} named {rest!r}"
    return _NAMES.get(name, f"its {name}")


def windows_of(size: int, slide: int) -> str:
    """A description of time windows, for people."""
    return f"windows of {size} ms" if size == slide else f"windows of {size} ms every {slide} ms"


_NAMES = {"windows": "count windows", "values": "a rolling reduce", "pending": "transactions", "open": "transactions"}


def merge(
    snapshots: Sequence[OperatorSnapshot | None], index: int, width: int, same_hashes: bool = False
) -> RestoredState:
    """The share of subtask ``index`` of the state of all former subtasks of an operator, in their order.

    ``same_hashes`` tells that keys still have their hashes, as in workers of the same fork server. At the same
    parallelism a subtask then resumes with just its own state; that of others may be None, and need not be read.
    """
    state = RestoredState(index, width)
    if len(snapshots) == width:
        own = snapshots[index]
        if own is not None:
            state.split, state.own = own.split, own.own
        if same_hashes:
            state.keyed = {name: Share([table]) for name, table in own.keyed.items()} if own is not None else {}
            return state
    else:
        for snapshot in filter(None, snapshots):
            for name, value in snapshot.own.items():
                state.everyone.setdefault(name, []).append(value)
        state.split = {name: deal(elements, index, width) for name, elements in _all_split(snapshots)}
    tables: dict[str, list[Entries]] = {}
    for snapshot in filter(None, snapshots):
        for name, table in snapshot.keyed.items():
            tables.setdefault(name, []).append(table)
    state.keyed = {name: Share(each, index, width) for name, each in tables.items()}
    return state


def key_hash() -> int:
    """A number that is equal in processes where equal keys have equal hashes: Python changes hashes in each run."""
    return hash("key")


def deal(elements: Sequence[Any], index: int, width: int) -> list[Any]:
    """The ``index``-th of ``width`` shares: every element is in one of them, and their sizes differ by at most one."""
    return list(elements[index::width])


def _all_split(snapshots: Sequence[OperatorSnapshot | None]) -> Iterator[tuple[str, list[Any]]]:
    together: dict[str, list[Any]] = {}
    for snapshot in filter(None, snapshots):
        for name, elements in snapshot.split.items():
            together.setdefault(name, []).extend(elements)
    yield from together.items()
