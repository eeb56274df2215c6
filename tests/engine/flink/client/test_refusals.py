"""What cannot run on a Flink cluster is refused while the plan is looked at, before a cluster is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stream_engine.flink.client import refusals
from stream_engine.job import ClusterUnusable

if TYPE_CHECKING:
    from fake_flink import FakeCluster
    from launched import Jobs


@pytest.mark.parametrize("mode", ["thread", "THREAD"])
def test_functions_in_threads_of_flinks_are_refused(hosted: Jobs, cluster: FakeCluster, mode: str) -> None:
    env = hosted.environment(python__execution_mode=mode)
    env.from_elements(1).output()

    with pytest.raises(ClusterUnusable, match=f"^python.execution-mode: {mode} cannot run this"):
        env.execute()
    assert cluster.jobs == []


def test_functions_in_processes_of_their_own_are_what_is_wanted(hosted: Jobs, cluster: FakeCluster) -> None:
    env = hosted.environment(python__execution_mode="process")
    env.from_elements(1).output()

    env.execute()

    assert len(cluster.jobs) == 1


def test_a_list_that_is_too_large_to_go_along_is_refused(
    hosted: Jobs, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_MOST_BYTES", 2 * 1024 * 1024)
    few, many = hosted.environment(), hosted.environment()
    few.from_collection(["x" * 1000] * 2).output()
    many.from_collection([f"{number:01000}" for number in range(3000)]).output()

    few.execute()
    with pytest.raises(
        ClusterUnusable, match=r"test_refusals.py:\d+.* its 3,000 elements take 3 MB, and no more than 2"
    ):
        many.execute()
    assert len(cluster.jobs) == 1
