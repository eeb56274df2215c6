"""State that user functions keep in themselves, in their own form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.operators.snapshot import StateError, deal

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState

_NAME = "function"


class FunctionState:
    """Asks a function for its state, and restores it.

    A function with state has ``snapshot_state()``, which returns anything that can be pickled, and
    ``restore_state(state)``, which is called before ``open``. It gets what the same subtask returned; at another
    parallelism only lists can be restored, of whose elements each instance gets its share. The engine's own functions
    may have ``restore_all_states(states)``, which then gets the states of all instances.
    """

    def __init__(self, function: Any) -> None:
        self._function = function
        self._take = method_of(function, "snapshot_state", "snapshotState")
        self._restore = method_of(function, "restore_state", "restoreState")

    @property
    def kept(self) -> bool:
        """Whether a checkpoint keeps state of the function."""
        return self._take is not None

    def snapshot(self, snapshot: OperatorSnapshot) -> None:
        if self._take is not None:
            snapshot.own[_NAME] = self._take()

    def restore(self, state: RestoredState) -> None:
        """Raises StateError for state that cannot be divided, or that the function cannot restore."""
        if _NAME in state.own:
            self._restorer()(state.own[_NAME])
        elif parts := state.everyone.get(_NAME):
            restore_all = method_of(self._function, "restore_all_states")
            if restore_all is not None:
                restore_all(parts)
                return
            for part in parts:
                if not isinstance(part, list):
                    raise StateError(
                        f"{type(self._function).__name__}.snapshot_state() has returned a {type(part).__name__} for "
                        f"each of {len(parts)} instances, which cannot be divided among {state.width}: resume with "
                        f"a parallelism of {len(parts)}, or let it return a list"
                    )
            self._restorer()(deal([element for part in parts for element in part], state.index, state.width))

    def _restorer(self) -> Callable[[Any], Any]:
        if self._restore is None:
            raise StateError(
                f"there is state of snapshot_state(), but {type(self._function).__name__} has no restore_state(state)"
            )
        return self._restore


def method_of(function: Any, *names: str) -> Callable[..., Any] | None:
    """A method that the function may have under one of several names."""
    return next((method for name in names if callable(method := getattr(function, name, None))), None)
