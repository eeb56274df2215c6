"""Whether a cluster has, or can get, the slots that a job takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.job import ClusterUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping

# Of a JobManager's configuration: who has started it, and what it may start.
_TARGET, _ENTRY, _MOST = (
    "execution.target",
    "kubernetes.internal.jobmanager.entrypoint.class",
    "slotmanager.number-of-slots.max",
)
_GROWING_TARGETS = ("kubernetes-", "yarn-")
_GROWING_ENTRIES = "org.apache.flink.kubernetes.entrypoint."


def can_grow(settings: Mapping[str, str]) -> bool:
    """Whether a JobManager with these ``settings`` starts TaskManagers when a job needs them.

    It does where Flink itself asks Kubernetes or YARN for them; elsewhere somebody else starts them.
    """
    target = settings.get(_TARGET, "").lower()
    return target.startswith(_GROWING_TARGETS) or settings.get(_ENTRY, "").startswith(_GROWING_ENTRIES)


def check_slots(needed: int, address: str, overview: Mapping[str, Any], settings: Mapping[str, str]) -> None:
    """Raises ClusterUnusable for a job that needs more slots than there are, or can be, at ``address``."""
    if can_grow(settings):
        most = settings.get(_MOST, "")
        if most.isdecimal() and int(most) < needed:
            raise ClusterUnusable(
                f"The job needs {needed} slots, but the cluster at {address} may have no more than {most} ({_MOST}): "
                "lower the parallelism (-p), or let it have more."
            )
        return
    total, free = overview["slots-total"], overview["slots-available"]
    if total < needed:
        raise ClusterUnusable(
            f"The job needs {needed} slots, but the cluster at {address} has {total}: start more TaskManagers, give "
            "them more slots (taskmanager.numberOfTaskSlots), or lower the parallelism (-p)."
        )
    if free < needed:
        raise ClusterUnusable(
            f"The job needs {needed} slots, but of the {total} that the cluster at {address} has, {free} are free: "
            f"wait for other jobs to end, or cancel one on http://{address}."
        )
