"""Which state goes to which operator when a job resumes, perhaps at another parallelism or with a changed script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.checkpoints.state_file import read_state_file
from stream_engine.graph.identity import made_alike, whole_uid
from stream_engine.operators.snapshot import StateError, deal, key_hash, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from stream_engine.checkpoints.metadata import Metadata
    from stream_engine.operators.snapshot import OperatorSnapshot, RestoredState


def check_operators(
    metadata: Metadata,
    plan: Mapping[str, str],
    origin: str,
    allow_non_restored: bool = False,
    made: Collection[str] = (),
) -> None:
    """Checks that a job can resume from the checkpoint at ``origin``; ``plan`` has its operators' names by uid.

    Raises StateError when the checkpoint is another job's; when, unless ``allow_non_restored``, it has state of an
    operator that is not in the plan; and when nobody can tell which operator a state is for, as its uid was ``made``.
    """
    _check_told_apart(metadata, plan, origin, made)
    stateful = {uid for uid in metadata.stateful if uid not in plan and whole_uid(uid) not in plan}
    if not stateful or allow_non_restored:
        return
    if not metadata.operators.keys() & plan.keys():
        raise StateError(
            f"{origin} is of another job, {metadata.job_name!r}: none of its operators is in this one. Operators are "
            "known by the uid(...) that the script gives them, else by their kind and by what they read"
        )
    names = ", ".join(f"{metadata.operators[uid].name!r} (uid {uid})" for uid in sorted(stateful))
    raise StateError(
        f"{origin} has state of {names}, and this job has no operator for it. Give an operator that uid(...) in the "
        "script to hand the state to it, or leave the state behind with --allow-non-restored-state"
    )


def _check_told_apart(metadata: Metadata, plan: Mapping[str, str], origin: str, made: Collection[str]) -> None:
    """Only their order tells operators of a kind with the same inputs apart, so it must not have changed."""
    for uid in sorted({whole_uid(uid) for uid in metadata.stateful} & {*made}):
        alike = made_alike(uid)
        then = {each: info.name for each, info in metadata.operators.items() if made_alike(each) == alike}
        now = {each: name for each, name in plan.items() if made_alike(each) == alike}
        if then != now and max(len(then), len(now)) > 1:
            former = ", ".join(f"{name!r} (uid {each})" for each, name in sorted(then.items()))
            present = ", ".join(map(repr, now.values()))
            raise StateError(
                f"{origin} has state of {former}, and nothing says which operator of this job it is for, as these "
                f"read the same: {present}. In the script, give each of them a uid(...): one of those above, to hand "
                "that state to it, or a new one"
            )


def read_states(
    directory: str,
    metadata: Metadata,
    operators: Collection[str],
    plan: Collection[str],
    index: int,
    width: int,
    scratch: str = "",
) -> dict[str, RestoredState]:
    """The state that subtask ``index`` of ``width`` of each of ``operators`` resumes with; ``plan`` has all uids.

    ``scratch`` is where files may be copied to while tables are read; empty: to the system's temporary directory.
    Operators without state are left out. Raises StorageError for files that are not as they were written, StateError
    for state that cannot be unpickled.
    """
    same_hashes = metadata.key_hash == key_hash()
    parts = {uid: _lost_parts(metadata, uid, plan) for uid in operators}
    wanted = {*operators, *(part for each in parts.values() for part in each)} & metadata.operators.keys()
    own_only = {uid for uid in wanted if same_hashes and metadata.operators[uid].parallelism == width}
    snapshots = read_snapshots(
        directory, metadata, lambda uid, of: uid in wanted and (of == index or uid not in own_only), scratch
    )
    states: dict[str, RestoredState] = {}
    for uid in operators:
        if uid in metadata.operators:
            former = range(metadata.operators[uid].parallelism)
            found = snapshots.get(uid, {})
            states[uid] = merge([found.get(each) for each in former], index, width, same_hashes)
            for part in parts[uid]:
                _add_elements(states[uid], snapshots.get(part, {}).values())
    return states


def read_snapshots(
    directory: str, metadata: Metadata, wanted: Callable[[str, int], bool], scratch: str = ""
) -> dict[str, dict[int, OperatorSnapshot]]:
    """The snapshots by uid and by the index of their subtask, if ``wanted(uid, index)``.

    Raises what ``read_states`` raises.
    """
    snapshots: dict[str, dict[int, OperatorSnapshot]] = {}
    for file in metadata.files:
        here = {uid for uid in file.operators if wanted(uid, file.index)}
        if here:
            for uid, snapshot in read_state_file(directory, file, here, scratch).items():
                snapshots.setdefault(uid, {})[file.index] = snapshot
    return snapshots


def _lost_parts(metadata: Metadata, uid: str, plan: Collection[str]) -> list[str]:
    """Parts that the operator had then and no longer has, for example at a parallelism of 1."""
    return [part for part in metadata.operators if part != uid and whole_uid(part) == uid and part not in plan]


def _add_elements(state: RestoredState, snapshots: Iterable[OperatorSnapshot]) -> None:
    for snapshot in snapshots:
        for name, elements in snapshot.split.items():
            state.split.setdefault(name, []).extend(deal(elements, state.index, state.width))
