"""What Flink is given to run for a plan: a stage for each task, and how its sources are driven."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from stream_engine.configuration.options import CHECKPOINT_INTERVAL, SAVEPOINT_DIRECTORY, SAVEPOINT_PATH
from stream_engine.graph.specs import CollectionSource
from stream_engine.wire.deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream_engine.configuration import Configuration
    from stream_engine.graph.job_graph import JobGraph, Task

# Of Flink's key groups; a power of two, and a savepoint is bound to it.
_FEWEST_KEY_GROUPS, MOST_KEY_GROUPS = 128, 32768


class Stage(NamedTuple):
    """One task on Flink: a keyed process function, with a key for each of its subtasks.

    ``inputs`` are the ids of exchanges, ``outputs`` maps the id of each to the parallelism behind it. ``deployment`` is
    the pickle of what the subtasks are told. A ``source`` has to be driven: see ``FlinkJob.ticks``. Flink knows the
    state of the stage by its ``uid``, which has the parallelism in it: a subtask resumes with its own state or not at
    all.
    """

    task: int
    uid: str
    name: str
    parallelism: int
    source: bool
    inputs: tuple[int, ...]
    outputs: dict[int, int]
    deployment: bytes


class FlinkJob(NamedTuple):
    """A plan as Flink runs it; ``stages`` in topological order.

    Flink ends a job when its inputs have. Without checkpoints sources are driven by timers of event time, which fire
    behind that end; a job that is ``checkpointed`` (each ``interval`` ms, 0: only when asked) drives them by ``ticks``:
    elements, between which barriers pass. Flink has the job by its ``id``, too.
    """

    id: str
    name: str
    plan: JobGraph
    stages: tuple[Stage, ...]
    interval: int
    checkpointed: bool

    @property
    def ticks(self) -> bool:
        return self.checkpointed

    @property
    def waits_for_checkpoints(self) -> bool:
        """Whether its reports reach the client only when a checkpoint counts them."""
        return self.interval > 0

    @property
    def slots(self) -> int:
        """How many slots of the cluster it takes."""
        return self.plan.slots

    @property
    def key_groups(self) -> int:
        """Enough that each subtask has some."""
        groups = _FEWEST_KEY_GROUPS
        while groups < 2 * self.slots:
            groups *= 2
        return min(groups, MOST_KEY_GROUPS)


def flink_job(
    plan: JobGraph,
    splits: dict[int, Any],
    configuration: Configuration,
    name: str,
    job_id: str,
    prepare: Callable[[], object] | None = None,
    watched: bool = False,
) -> FlinkJob:
    """The stages of a plan that Flink can run; ``splits`` are what its files are divided into.

    Subtasks of a job that is ``watched`` report what they have done so far.
    """
    first = None if prepare is None else pickle.dumps(prepare)
    settings = pickle.dumps(configuration)
    checkpointed = takes_checkpoints(configuration)
    stages = []
    for task in plan.tasks:
        own = {node.id: splits[node.id] for node in task.operators if node.id in splits}
        graph = pickle.dumps(_without_collections(plan, task))
        deployment = Deployment(first, settings, graph, own, watched=watched, checkpointed=checkpointed, job_id=job_id)
        outputs = {each.id: plan.tasks[each.target_task].parallelism for each in plan.outputs(task.id)}
        stages.append(
            Stage(
                task.id,
                stage_uid(task.head.uid or "", task.parallelism),
                task.name,
                task.parallelism,
                task.head.is_source,
                tuple(each.id for each in plan.inputs(task.id)),
                outputs,
                pickle.dumps(deployment),
            )
        )
    return FlinkJob(job_id, name, plan, tuple(stages), configuration.get(CHECKPOINT_INTERVAL), checkpointed)


def takes_checkpoints(configuration: Configuration) -> bool:
    """Whether the state of the job goes to Flink: for checkpoints, or as it may be asked for a savepoint."""
    savepoints = configuration.get(SAVEPOINT_DIRECTORY) or configuration.get(SAVEPOINT_PATH)
    return configuration.get(CHECKPOINT_INTERVAL) > 0 or bool(savepoints)


def stage_uid(head: str, parallelism: int) -> str:
    return f"{head} at parallelism {parallelism}"


def parts_of(uid: str) -> tuple[str, int] | None:
    """The uid of the head, and the parallelism, of which ``stage_uid`` has made ``uid``; None: it has not made it."""
    head, found, number = uid.rpartition(" at parallelism ")
    return (head, int(number)) if found and number.isdecimal() else None


def _without_collections(plan: JobGraph, own: Task) -> JobGraph:
    """The plan without the elements of other tasks' collections, which may be large."""
    tasks = tuple(
        task._replace(operators=(replace(task.head, operator=CollectionSource((), 0)), *task.operators[1:]))
        if task is not own and isinstance(task.head.operator, CollectionSource)
        else task
        for task in plan.tasks
    )
    return plan._replace(tasks=tasks)
