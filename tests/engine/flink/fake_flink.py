"""Flink's part of a job, as lists: it delivers elements, lets time come, takes checkpoints, and restarts from them."""

from __future__ import annotations

import pickle
import random
from collections import deque
from copy import deepcopy
from time import time
from typing import TYPE_CHECKING, Any

from stream_engine.configuration import Configuration
from stream_engine.connectors.storage_options import configure
from stream_engine.flink.elements import EARLY, LARGEST, Drive, Emission, Envelope, pack_element
from stream_engine.flink.exception_text import failure_in, last_reports_in
from stream_engine.flink.worker.host import SubtaskFailed, SubtaskHost
from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stream_engine.flink.plan import FlinkJob
    from stream_engine.graph.job_graph import JobGraph

_Place = tuple[int, int]


class FakeCluster:
    """Runs jobs in this thread. The order of elements of different senders is chosen by ``seed``.

    With ``crashes``, a job is restarted so often: after ``spell`` elements each, from a checkpoint that was taken half
    of them before; what a fast job leaves over comes at its end, from the last checkpoint.
    With ``stops_at``, it ends with a savepoint after so many elements; ``savepoint`` is that one, or what it begins
    with. Of the reports of a job that fails only so many arrive: those of the first ``arriving`` elements. ``early``
    has what comes beside them.
    """

    def __init__(
        self,
        seed: int = 1,
        crashes: int = 0,
        stops_at: int = 0,
        savepoint: dict[_Place, bytes] | None = None,
        arriving: int = 0,
        spell: int = 4,
    ) -> None:
        self.spell = spell
        self.arriving = arriving
        self.stops_at = stops_at
        self.savepoint = savepoint or {}
        self.jobs: list[FlinkJob] = []
        self.early: list[bytes] = []
        self._random = random.Random(seed)
        self._crashes = crashes

    def check(self, plan: JobGraph, configuration: Configuration) -> None: ...

    def submit(self, job: FlinkJob, configuration: Configuration, commit: Callable[[], None]) -> FakeJob:
        commit()
        self.jobs.append(job)
        # The workers are other processes, which have only what comes with the job.
        configure(Configuration())
        return FakeJob(self, job, self._random, self._crashes)


class FakeJob:
    id = page = "fake"

    def __init__(self, cluster: FakeCluster, job: FlinkJob, chance: random.Random, crashes: int) -> None:
        self._cluster = cluster
        self._job = job
        self._random = chance
        self._crashes = crashes
        self._cancelled = False
        self._stages = {stage.task: stage for stage in job.stages}
        self._targets = {each: stage.task for stage in job.stages for each in stage.inputs}
        self._hosts: dict[_Place, SubtaskHost] = {}
        self._kept = dict(cluster.savepoint)
        # By the receiver, then by the sender: what one has sent another stays in order.
        self._channels: dict[_Place, dict[Any, deque[bytes]]] = {}
        self._reports: list[bytes] = []
        self._ticking: set[_Place] = set()

    def statuses(self) -> dict[tuple[int, int], bytes]:
        return {}

    def complete(self) -> None: ...

    def savepoint(self, directory: str, stop: bool) -> str:
        raise NotImplementedError

    def cancel(self) -> None:
        self._cancelled = True

    def leave(self, at_once: bool = False) -> None:
        self.cancel()

    def reports(self) -> Iterator[bytes]:
        try:
            self._run()
        except SubtaskFailed as error:
            text = f"java.lang.RuntimeException: {error} at org.apache.flink.Some.method"
            yield from self._reports[: self._cluster.arriving]
            yield from last_reports_in(text)
            failure = failure_in(text)
            assert failure is not None
            raise JobExecutionException.of(failure, self.id) from None
        finally:
            for host in self._hosts.values():
                host.close()
        yield from self._reports

    def _run(self) -> None:
        for stage in self._job.stages:
            for index in range(stage.parallelism):
                starts = deque([pack_element([Envelope(Drive.START, 0, 0, b"")])])
                self._channels[stage.task, index] = {None: starts}
                if stage.source:
                    self._ticking.add((stage.task, index))
        checkpoint = self._checkpoint()
        steps = 0
        while not self._cancelled:
            if (place := self._next()) is None:
                if not self._crashes:
                    return
                self._crash(checkpoint)
                continue
            steps += 1
            self._step(place)
            if steps == self._cluster.stops_at:
                self._stop()
                return
            spell = self._cluster.spell
            if self._crashes and steps % spell == spell // 2:
                checkpoint = self._checkpoint()
            if self._crashes and steps % spell == 0:
                self._crash(checkpoint)

    def _next(self) -> _Place | None:
        waiting = [place for place, channels in self._channels.items() if any(channels.values())]
        reading = [place for place in self._ticking if place in self._hosts and self._hosts[place].reads]
        due = [place for place, host in self._hosts.items() if host.next_timer <= time() * 1000]
        places = sorted({*waiting, *reading, *due})
        return self._random.choice(places) if places else None

    def _step(self, place: _Place) -> None:
        """An element, or a timer that is due, or a turn of a source."""
        channels = {sender: queue for sender, queue in self._channels[place].items() if queue}
        host = self._host(place)
        if host.next_timer <= time() * 1000:
            self._hand_on(place, host.on_time())
        if channels:
            queue = channels[self._random.choice(sorted(channels, key=repr))]
            self._hand_on(place, host.take(queue.popleft()))
        elif place in self._ticking and host.reads:
            if self._job.ticks:
                self._hand_on(place, host.take(pack_element([Envelope(Drive.TICK, 0, 0, b"")])))
            else:
                self._hand_on(place, host.read())

    def _host(self, place: _Place) -> SubtaskHost:
        if place not in self._hosts:
            task, index = place
            deployment = pickle.loads(self._stages[task].deployment)
            self._hosts[place] = SubtaskHost(deployment, task, index, self._kept.get(place))
        return self._hosts[place]

    def _hand_on(self, sender: _Place, emissions: Iterator[Emission]) -> None:
        for exchange, target, element in emissions:
            assert len(element) <= LARGEST
            if exchange is None:
                self._reports.append(element)
                continue
            if exchange == EARLY:
                self._cluster.early.append(element)
                continue
            assert target < self._stages[sender[0]].outputs[exchange]
            receiver = self._channels[self._targets[exchange], target]
            receiver.setdefault((exchange, sender), deque()).append(element)

    def _stop(self) -> None:
        while waiting := [place for place, channels in self._channels.items() if any(channels.values())]:
            self._step(self._random.choice(waiting))
        self._cluster.savepoint = {place: host.snapshot() for place, host in self._hosts.items()}

    # --- checkpoints -------------------------------------------------------------------------------------------------

    def _checkpoint(self) -> tuple[Any, Any, Any]:
        kept = {place: host.snapshot() for place, host in self._hosts.items()}
        return {**self._kept, **kept}, deepcopy(self._channels), list(self._reports)

    def _crash(self, checkpoint: tuple[Any, Any, Any]) -> None:
        self._crashes -= 1
        for host in self._hosts.values():
            host.close()
        self._hosts.clear()
        self._kept, self._channels, self._reports = deepcopy(checkpoint)
        # Each is opened again by a first element.
        for place in self._kept:
            self._channels[place].setdefault(None, deque()).append(pack_element([Envelope(Drive.START, 0, 0, b"")]))
