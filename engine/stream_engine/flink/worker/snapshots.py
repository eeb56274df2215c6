"""What one subtask remembers at a checkpoint of Flink's: one value, under the subtask's own key."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from stream_engine.configuration.options import IGNORE_UNCLAIMED_STATE
from stream_engine.operators.snapshot import LEAVE_BEHIND, OperatorSnapshot, StateError, merge
from stream_engine.pickling import dumps
from stream_engine.report import one_line
from stream_engine.task.failure import OperatorError

LARGEST = 100 * 1000 * 1000
"""Of the state of one subtask, in bytes: all of it is written as one value, again and again."""

if TYPE_CHECKING:
    from stream_engine.flink.worker.sources import Source
    from stream_engine.task.subtask import Subtask


class StateTooLarge(StateError):
    """The state of a subtask is larger than what can be written at each checkpoint."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(
            f"the state of a subtask of {one_line(name)!r} takes {size / 1e6:,.0f} MB, and on a Flink cluster no more "
            f"than {LARGEST / 1e6:,.0f} MB are written for each. Give the job a higher parallelism, from its start, "
            "or run it on this machine with state.backend: rocksdb"
        )


def packed_snapshot(subtask: Subtask, source: Source | None, own: Any) -> bytes:
    """The state of all operators by their uids, of the source, how far the inputs have come, and the host's ``own``.

    Nothing may wait to be emitted, and the source has to be settled. Raises StateTooLarge.
    """
    parts: dict[str, Any] = {
        "host": own,
        "width": subtask.task.parallelism,
        "progress": subtask.progress(),
        "operators": {},
        "source": None,
    }
    if source is not None and not subtask.finished:
        snapshot = source.snapshot()
        parts["source"] = (dict(snapshot.keyed), snapshot.split, snapshot.own)
    for node, operator in zip(subtask.task.operators, subtask.chain.operators, strict=True):
        with OperatorError.around(node.id, "asked for its state"):
            snapshot = operator.snapshot(0)
            keyed = {name: dict(table.items()) for name, table in snapshot.keyed.items()}
            parts["operators"][node.uid] = (keyed, snapshot.split, snapshot.own)
    packed = dumps(parts)
    if len(packed) > LARGEST:
        raise StateTooLarge(subtask.task.head.name, len(packed))
    return packed


def restore(kept: bytes, subtask: Subtask, source: Source | None) -> Any:
    """Gives a subtask that has not been opened what ``packed_snapshot`` has of it; returns what is the host's own.

    Raises OperatorError, whose cause is a StateError, for what an operator cannot go on with.
    """
    parts = pickle.loads(kept)
    index, width = subtask.index, subtask.task.parallelism
    assert parts["width"] == width, "Flink gives back the state of a uid, which has the parallelism in it"
    missing = {uid for uid, taken in parts["operators"].items() if OperatorSnapshot(*taken)}
    missing -= {node.uid for node in subtask.task.operators}
    if missing and not subtask.configuration.get(IGNORE_UNCLAIMED_STATE):
        with OperatorError.around(subtask.task.head.id, "given its state back"):
            raise StateError(f"there is state of an operator that is no longer behind this one: {LEAVE_BEHIND}")

    def state_of(taken: Any) -> Any:
        own = [OperatorSnapshot(*taken) if number == index else None for number in range(width)]
        return merge(own, index, width, same_hashes=True)

    for node, operator in zip(subtask.task.operators, subtask.chain.operators, strict=True):
        taken = parts["operators"].get(node.uid)
        if taken is not None:
            with OperatorError.around(node.id, "given its state back"):
                operator.restore(state_of(taken))
    if source is not None and parts["source"] is not None:
        with OperatorError.around(subtask.task.head.id, "given its state back"):
            source.restore(state_of(parts["source"]))
    subtask.resume(parts["progress"])
    return parts["host"]
