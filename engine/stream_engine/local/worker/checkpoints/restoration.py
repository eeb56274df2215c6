"""Restores the subtasks of a worker from a checkpoint."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from stream_engine.checkpoints.restoration import read_states
from stream_engine.graph.specs import IterationHead
from stream_engine.local.state_place import STATE_DIRECTORY
from stream_engine.local.worker.checkpoints.alignment import FED_BACK
from stream_engine.task.failure import OperatorError
from stream_engine.task.sources import restore_source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stream_engine.checkpoints.metadata import Metadata
    from stream_engine.graph.job_graph import JobGraph
    from stream_engine.local.worker.push_source import PushSource
    from stream_engine.operators.snapshot import RestoredState
    from stream_engine.task.sources import Reader
    from stream_engine.task.subtask import Subtask


def restore(
    origin: tuple[str, Metadata],
    graph: JobGraph,
    subtasks: Sequence[Subtask],
    sources: Mapping[Subtask, Reader | PushSource],
) -> None:
    """Restores subtasks, before they are opened, from the checkpoint whose directory and metadata are ``origin``.

    Raises StorageError for damaged files; OperatorError, whose cause is a StateError, for state that an operator cannot
    restore.
    """
    directory, metadata = origin
    plan = {node.uid or "" for task in graph.tasks for node in task.operators}
    states: dict[str, RestoredState] = {}
    # Subtasks of equal parallelism together, as each reading of a file also verifies it.
    for width in {subtask.task.parallelism for subtask in subtasks}:
        group = [subtask for subtask in subtasks if subtask.task.parallelism == width]
        uids = [node.uid or "" for subtask in group for node in subtask.task.operators]
        scratch = group[0].configuration.get(STATE_DIRECTORY, "")
        states.update(read_states(directory, metadata, uids, plan, group[0].index, width, scratch))
    for subtask in subtasks:
        _restore_operators(subtask, states)
        head = subtask.task.head
        source, state = sources.get(subtask), states.get(head.uid or "")
        if source is not None and state is not None:
            with OperatorError.around(head.id, "given its state back"):
                restore_source(source, state)
        for node in subtask.task.operators:
            if node.uid in states:
                with OperatorError.around(node.id, "given its state back"):
                    states[node.uid].check_taken()


def _restore_operators(subtask: Subtask, states: Mapping[str, RestoredState]) -> None:
    for node, operator in zip(subtask.task.operators, subtask.chain.operators, strict=True):
        state = states.get(node.uid or "")
        if state is not None:
            with OperatorError.around(node.id, "given its state back"):
                operator.restore(state)
            if isinstance(node.operator, IterationHead):
                for batch in state.elements(FED_BACK):
                    subtask.put_back(pickle.loads(batch))
