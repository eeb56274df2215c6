"""Reads the partitions of one subtask."""

from __future__ import annotations

from collections import deque
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from stream_engine.connectors.kafka.client import KafkaFailure, brokers, consumer, log, reason
from stream_engine.connectors.kafka.discovery import Discovery
from stream_engine.connectors.kafka.partitions import name_of
from stream_engine.connectors.kafka.start import reset_offset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from confluent_kafka import KafkaError, Message

    from stream_engine.connectors.kafka.partitions import Partition
    from stream_engine.graph.specs import KafkaSource

# In seconds: how long the thread that waits for records is in one call, and so how long closing may wait for it.
_LOOK = 0.1
# So many messages are taken at once, and no more: the memory of many, freed together, goes back to the system, which
# has to give and clear it again for the next. With short messages that took a quarter of the processor's time.
_MOST = 1000
# In seconds: how old the ends of partitions may be.
_ENDS = 0.5
# In seconds: what else of closing may take how long, and a request in between records.
_CLOSING, _REQUEST = 1.0, 5.0
# Of which an error in a consumer's stream is one for the whole of it, and not only of a moment.
_LASTING = (
    "TOPIC_AUTHORIZATION_FAILED",
    "GROUP_AUTHORIZATION_FAILED",
    "UNKNOWN_TOPIC_OR_PART",
    "_UNKNOWN_TOPIC",
    "_UNKNOWN_PARTITION",
)


class KafkaReader:
    """The messages of the partitions of subtask ``index`` of ``width``, in the order of each partition.

    ``positions`` are the offsets of the next messages, by partition: those that ``count`` has been told of are behind
    them. ``read`` never waits; when there is nothing it calls ``wake`` as soon as there is. All methods but ``lag`` are
    for one thread. What goes wrong is raised by ``read``, as a KafkaFailure.

    The client serves one thread at a time: that of ``read``, until it finds nothing; then the thread that waits, until
    it has found a message.
    """

    def __init__(self, source: KafkaSource, index: int, width: int, wake: Callable[[], None]) -> None:
        self._source = source
        self._wake = wake
        self.positions: dict[Partition, int] = {}
        # Whether the subtask has learned which partitions it has.
        self.discovered = False
        self._index, self._width = index, width
        self._failure: BaseException | None = None
        self._consumer = consumer(source.settings, source.options.group, self._on_error)
        self._restored: dict[Partition, int] = {}
        self._complete = False
        self._discovery: Discovery | None = None
        # The ends of the partitions, as brokers have said when records were last fetched, and when they were asked for.
        self._ends: dict[Partition, int] = {}
        self._looked_at = 0.0
        # What the discovery has found, and nobody reads yet.
        self._found: deque[dict[Partition, int]] = deque()
        # While it is ``awaited``, the waiting thread alone takes messages, until it has one.
        self._awaited = False
        self._message: Message | None = None
        self._waiting = Event()
        self._closed = False
        self._thread = Thread(target=self._await, name="kafka consumer", daemon=True)

    def restore(self, positions: Mapping[Partition, int], complete: bool) -> None:
        """Resumes at ``positions``. Where they are ``complete``, all partitions that are not among them are new.

        Called before ``start``.
        """
        self._restored, self._complete = dict(positions), complete

    def start(self) -> None:
        """Called once, before the first ``read``."""
        self._assign(self._restored)
        self._discovery = Discovery(
            self._source,
            self._index,
            self._width,
            self._restored,
            self._complete,
            self._on_found,
            self._on_failure,
        )
        self._discovery.start()
        self._thread.start()

    def read(self, limit: int) -> list[Message]:
        """The next messages, at most ``limit``; none where there are none now."""
        if self._failure is not None:
            raise self._failure
        if self._awaited:
            return []
        self._look()
        messages: list[Message] = []
        if self._message is not None:
            messages.append(self._message)
            self._message = None
        if len(messages) < limit:
            messages += self._consumer.consume(min(limit, _MOST) - len(messages), 0)
        if not messages:
            self._awaited = True
            self._waiting.set()
            return messages
        errors = [message for message in messages if message.error() is not None]
        if errors:
            for message in errors:
                self._on_message_error(message)
            messages = [message for message in messages if message.error() is None]
            if not messages:
                # There may be more, and nobody waits for it.
                self._wake()
        return messages

    def count(self, messages: Sequence[Message]) -> None:
        """These have been handed on: a checkpoint counts them."""
        # From the last, as soon as there is one of each partition: to ask all of them costs as much as their decoding.
        counted: set[Partition] = set()
        for message in reversed(messages):
            partition: Any = message.topic(), message.partition()
            if partition not in counted:
                counted.add(partition)
                self.positions[partition] = (message.offset() or 0) + 1
                if len(counted) == len(self.positions):
                    return

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """Tells the group where this reader has come to, without waiting; what comes of it is counted, and no more."""
        if self._source.options.group is not None and positions and self._discovery is not None:
            self._discovery.commit(dict(positions))

    def commits(self, succeeded: bool) -> int:
        """How many commits there were that the group has taken, or not. In any thread."""
        if self._discovery is None:
            return 0
        return self._discovery.commits_succeeded if succeeded else self._discovery.commits_failed

    def lag(self, partition: Partition | None = None) -> int | None:
        """How many offsets are ahead, in one partition or all, by what brokers have last said; None: not known yet.

        May be called by any thread.
        """
        ends = dict(self._ends)
        ahead = [
            max(0, ends[each] - position)
            for each, position in self.positions.copy().items()
            if each in ends and partition in (None, each)
        ]
        return sum(ahead) if ahead else None

    def close(self) -> None:
        self._closed = True
        self._waiting.set()
        if self._discovery is not None:
            self._discovery.stop(_CLOSING)
        if self._thread.is_alive():
            self._thread.join(_LOOK + _CLOSING)
        # A client that is in use by another thread is left to the end of the process.
        if not self._thread.is_alive():
            self._consumer.close()

    # --- what comes from other threads -------------------------------------------------------------------------------

    def _await(self) -> None:
        """Takes one message, whenever the worker's loop has found none, and wakes it."""
        try:
            while not self._closed:
                self._waiting.wait()
                if self._closed:
                    return
                self._look()
                message = self._consumer.poll(_LOOK)
                if message is not None:
                    self._waiting.clear()
                    self._message = message
                    self._awaited = False
                    self._wake()
        except BaseException as error:
            self._on_failure(error)

    def _on_found(self, partitions: dict[Partition, int]) -> None:
        self._found.append(partitions)
        self._wake()

    def _on_failure(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._wake()

    def _on_error(self, error: KafkaError) -> None:
        """librdkafka's word on its connections, of which it mends most by itself. In any thread that polls."""
        from confluent_kafka import KafkaError

        if error.fatal() or error.code() in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED):
            self._on_failure(self._failed(error))
        elif error.code() == KafkaError._ALL_BROKERS_DOWN and self._discovery is not None:
            self._discovery.on_lost(reason(error))
        else:
            log.debug("%s", reason(error))

    # --- in the thread that the client serves ------------------------------------------------------------------------

    def _look(self) -> None:
        """What else there is to do between records: partitions to begin with, ends to learn."""
        while self._found:
            self._assign(self._found.popleft())
            self.discovered = True
            self._wake()
        now = monotonic()
        if now - self._looked_at >= _ENDS:
            from confluent_kafka import TopicPartition

            self._looked_at = now
            for partition in self.positions:
                _, end = self._consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)
                if end >= 0:
                    self._ends[partition] = end

    def _assign(self, offsets: Mapping[Partition, int]) -> None:
        from confluent_kafka import TopicPartition

        if offsets:
            self.positions.update(offsets)
            self._consumer.incremental_assign(
                [TopicPartition(*partition, offset) for partition, offset in offsets.items()]
            )

    def _on_message_error(self, message: Message) -> None:
        from confluent_kafka import KafkaError

        error = message.error()
        assert error is not None
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._reset((message.topic() or "", message.partition() or 0))
        elif error.fatal() or error.name() in _LASTING:
            topic = f" {name_of((message.topic() or '', message.partition() or 0))}" if message.topic() else ""
            raise KafkaFailure(f"Kafka at {brokers(self._source.settings)},{topic}: {reason(error)}")
        else:
            log.debug("%s", reason(error))

    def _reset(self, partition: Partition) -> None:
        """What was to be read next is no longer there; says how much is lost, and goes on as the script wants."""
        from confluent_kafka import KafkaException, TopicPartition

        if partition not in self.positions:
            return
        former = self.positions[partition]
        try:
            offset = reset_offset(self._consumer, partition, self._source, _REQUEST)
        except KafkaException as error:
            raise self._failed(error) from error
        log.warning(
            "%s has no offset %d any more (its records were deleted, or the topic was made anew): going on at %d, %s",
            name_of(partition),
            former,
            offset,
            f"as auto.offset.reset is {self._source.options.reset}",
        )
        self._consumer.incremental_unassign([TopicPartition(*partition)])
        self._assign({partition: offset})

    def _failed(self, error: Any) -> KafkaFailure:
        return KafkaFailure(f"Kafka at {brokers(self._source.settings)}: {reason(error)}")
