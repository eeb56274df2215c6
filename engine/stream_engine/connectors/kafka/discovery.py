"""The thread that asks brokers: for a subtask's partitions, at the beginning and again while the job runs.

It has a client of its own, as one client serves one thread at a time.
"""

from __future__ import annotations

import re
from collections import deque
from math import inf
from threading import TIMEOUT_MAX, Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from stream_engine.connectors.kafka.client import KafkaFailure, brokers, consumer, log, reason
from stream_engine.connectors.kafka.partitions import name_of, subtask_of
from stream_engine.connectors.kafka.start import start_offsets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from confluent_kafka import KafkaError

    from stream_engine.connectors.kafka.partitions import Partition
    from stream_engine.graph.specs import KafkaSource

# All in seconds. How long one request may take, and between two of them that have failed.
_REQUEST, _RETRY = 5.0, 0.2
# For how long the end of the last commit is waited for.
_LAST_COMMIT = 0.8
# For how long a topic that was named may not be there: one that was just made is not known to all brokers at once.
_TOPIC = 10.0


class Discovery:
    """Looks for the partitions of subtask ``index`` of ``width``, and where to begin in each.

    Calls ``on_found(partitions)`` with offsets by partition: once at the beginning, though there be none, and then
    whenever there are new ones, which are read from their beginning. Calls ``on_failure(error)`` once when brokers
    cannot be reached for too long, or refuse. ``known`` are those that a checkpoint knows of; where it is ``complete``,
    all others are new, too. All of it is done in a thread of its own, and so are commits.
    """

    def __init__(
        self,
        source: KafkaSource,
        index: int,
        width: int,
        known: Collection[Partition],
        complete: bool,
        on_found: Callable[[dict[Partition, int]], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._source = source
        settings = {**source.settings, "on_commit": self._on_commit}
        self._consumer = consumer(settings, source.options.group, lambda error: None)
        self._index = index
        self._width = width
        self._complete = complete
        self._known = set(known)
        self._on_found = on_found
        self._on_failure = on_failure
        # How many commits the group has taken, and how many not.
        self.commits_succeeded = self.commits_failed = 0
        self._commits: deque[Mapping[Partition, int]] = deque()
        # Those whose outcome is not known yet.
        self._committing = 0
        self._wanted = Event()
        self._stopped = False
        # Since when brokers have been out of reach, as far as is known; None: they are not.
        self._lost_at: float | None = None
        self._lost_for = ""
        self._thread = Thread(target=self._run, name="kafka discovery", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def on_lost(self, why: str) -> None:
        """No broker can be reached: makes sure of that, and gives up when it stays so for too long."""
        if self._lost_at is None:
            self._lost_at, self._lost_for = monotonic(), why
            log.warning("no broker of %s can be reached (%s); trying again", brokers(self._source.settings), why)
            self._wanted.set()

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """Tells the group of ``positions``, soon; what comes of it is counted."""
        self._commits.append(positions)
        self._wanted.set()

    def stop(self, seconds: float) -> None:
        """Waits for what is still to be done, such as commits, but no longer than ``seconds``."""
        self._stopped = True
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._look_again()
        except BaseException as error:
            self._on_failure(error)
        self._commit_all()
        until = monotonic() + _LAST_COMMIT
        while self._committing and monotonic() < until:
            self._consumer.poll(_RETRY)
        self._consumer.close()

    def _look_again(self) -> None:
        from confluent_kafka import KafkaException

        began, first = monotonic(), True
        while not self._stopped:
            try:
                self._look(first)
            except KafkaException as error:
                if self._stopped:
                    return
                if not _passes(error):
                    self._fail(reason(error), error)
                    return
                if self._lost_at is None and not first:
                    self.on_lost(reason(error))
                since = began if self._lost_at is None else self._lost_at
                if monotonic() - since >= self._source.options.timeout / 1000:
                    self._fail(f"no answer for {self._source.options.timeout / 1000:g} s: {reason(error)}", error)
                    return
                self._wait(_RETRY)
                continue
            except KafkaFailure as error:
                if isinstance(error, _NoTopic) and monotonic() - began < _TOPIC:
                    self._wait(_RETRY)
                    continue
                raise
            first = False
            if self._lost_at is not None:
                self._lost_at = None
                log.warning("brokers of %s can be reached again", brokers(self._source.settings))
            self._wait(self._source.options.discovery / 1000 or inf)

    def _wait(self, seconds: float) -> None:
        """Does what is wanted meanwhile; returns sooner when brokers are out of reach, or this is to stop."""
        until = monotonic() + seconds
        while not self._stopped and self._lost_at is None and (left := until - monotonic()) > 0:
            # What is set after this is found by who waits.
            self._wanted.clear()
            self._commit_all()
            if not self._stopped and self._lost_at is None and not self._commits:
                self._wanted.wait(min(left, _RETRY if self._committing else TIMEOUT_MAX))
        if self._lost_at is not None and not self._stopped:
            self._wanted.clear()
            self._wanted.wait(_RETRY)

    def _commit_all(self) -> None:
        """Begins what was asked for: to wait for its end would be to wait for brokers that are away."""
        from confluent_kafka import KafkaException, TopicPartition

        while self._commits:
            offsets = [TopicPartition(*partition, offset) for partition, offset in self._commits.popleft().items()]
            try:
                self._consumer.commit(offsets=offsets, asynchronous=True)
                self._committing += 1
            except KafkaException as error:
                self._note_commit(error.args[0])
        self._consumer.poll(0)

    def _on_commit(self, error: KafkaError | None, _: object) -> None:
        self._committing -= 1
        self._note_commit(error)

    def _note_commit(self, error: KafkaError | None) -> None:
        if error is None:
            self.commits_succeeded += 1
        else:
            self.commits_failed += 1
            log.warning("offsets were not committed to %r: %s", self._source.options.group, reason(error))

    def _fail(self, why: str, error: BaseException) -> None:
        failure = KafkaFailure(f"Kafka at {brokers(self._source.settings)}: {why}")
        failure.__cause__ = error
        self._on_failure(failure)

    def _look(self, first: bool) -> None:
        """Raises KafkaException when brokers do not answer, KafkaFailure for what will not change."""
        mine = [each for each in self._partitions() if subtask_of(each, self._width) == self._index]
        new = [partition for partition in mine if partition not in self._known]
        if first and not self._complete:
            found = start_offsets(self._consumer, new, self._source, _REQUEST)
        else:
            earliest = self._source._replace(start=self._source.start._replace(mode="earliest"))
            found = start_offsets(self._consumer, new, earliest, _REQUEST)
        self._known.update(found)
        if found and not first:
            log.info("found new partitions: %s", ", ".join(map(name_of, found)))
        if found or first:
            self._on_found(found)

    def _partitions(self) -> list[Partition]:
        topics = self._source.topics
        if isinstance(topics, re.Pattern):
            listed = self._consumer.list_topics(timeout=_REQUEST).topics
            # Those of Kafka's own begin so.
            names = [name for name in listed if topics.fullmatch(name) and not name.startswith("__")]
        else:
            listed = {name: self._consumer.list_topics(name, _REQUEST).topics[name] for name in topics}
            names = list(topics)
        found: list[Partition] = []
        for name in sorted(names):
            error = listed[name].error
            if error is not None:
                self._check_topic(name, error)
            found.extend((name, number) for number in sorted(listed[name].partitions))
        return found

    def _check_topic(self, name: str, error: object) -> None:
        from confluent_kafka import KafkaError, KafkaException

        assert isinstance(error, KafkaError)
        if error.code() not in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            raise KafkaException(error)
        if not any(topic == name for topic, _ in self._known):
            raise _NoTopic(
                f"Kafka at {brokers(self._source.settings)} has no topic {name!r}: create it, or correct the name"
            )


class _NoTopic(KafkaFailure):
    """A topic that may still come to be known."""


def _passes(error: BaseException) -> bool:
    """Whether another request may go well: what brokers refuse, they refuse again."""
    from confluent_kafka import KafkaError

    cause = error.args[0]
    return cause.code() not in (
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError._AUTHENTICATION,
        KafkaError._INVALID_ARG,
    )
