"""A Kafka source in a subtask: messages become records, with their event time, and checkpoints know their offsets."""

from __future__ import annotations

import re
from operator import length_hint
from typing import TYPE_CHECKING, Any

from stream_engine.configuration.options import CHECKPOINT_INTERVAL
from stream_engine.connectors.kafka.client import log
from stream_engine.connectors.kafka.partitions import name_of, subtask_of
from stream_engine.connectors.kafka.reader import KafkaReader
from stream_engine.connectors.kafka.records import ConsumerRecord, timestamp_of
from stream_engine.operators.snapshot import OperatorSnapshot, StateError
from stream_engine.task.failure import OperatorError
from stream_engine.task.partition_times import PartitionTimes
from stream_engine.task.timed_records import TimedRecords

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from confluent_kafka import Message

    from stream_engine.connectors.kafka.partitions import Partition
    from stream_engine.graph.specs import KafkaSource
    from stream_engine.operators.snapshot import RestoredState
    from stream_engine.task.subtask import Subtask

_OFFSETS, _COMPLETE, _ENDED, _TIMES = "offsets", "complete", "ended", "times"


class KafkaSourceReader:
    """The Reader of a Kafka source; also a StatefulSource.

    ``wake`` ends the sleep of the worker's loop, from any thread. Where the job is timestamped, records come with
    Kafka's time, or with that of the source's assigner, of which each partition has its own.
    """

    def __init__(self, subtask: Subtask, wake: Callable[[], None]) -> None:
        source = subtask.task.head.operator
        self._source: KafkaSource = source  # pyright: ignore[reportAttributeAccessIssue] - by its caller
        self._subtask = subtask
        self._wake = wake
        self._head = subtask.task.head.id
        with OperatorError.around(self._head, "being loaded"):
            schema = self._source.schema.load()
        self._decode = _decoder(self._source, schema)
        self._is_end = _end_of(schema) if self._source.ends else None
        with OperatorError.around(self._head, "being opened"):
            self._reader = KafkaReader(self._source, subtask.index, subtask.task.parallelism, wake)
        self._times = PartitionTimes(self._source.assigner, subtask, self._drained) if self._source.assigner else None
        self._started = self._ended = self._noted = False
        # Messages whose records have been returned, but perhaps not all been processed; and those that come next.
        self._handed: Sequence[Message] = ()
        self._next: list[Message] = []
        # By checkpoint, in order: what it counts.
        self._counted: dict[int, dict[Partition, int]] = {}
        self._committed: dict[Partition, int] = {}

    # --- records -----------------------------------------------------------------------------------------------------

    def read(self, limit: int) -> Sequence[Any] | None:
        """Raises OperatorError, which names a message that the schema cannot read, and for what Kafka refuses."""
        if not self._started:
            self._start()
        self.settle()
        if self._ended:
            return None
        with OperatorError.around(self._head, "reading from Kafka"):
            messages = self._next or self._reader.read(limit)
        self._next = []
        if self._times is not None or not self._noted:
            self._note_partitions()
        if not messages:
            return None if self._ended else ()
        iterator = iter(messages)
        try:
            records = self._decode(iterator)
        except Exception as error:
            raise self._unreadable(messages[len(messages) - length_hint(iterator) - 1]) from error
        if self._is_end is not None:
            messages, records = self._until_end(messages, records)
        if self._subtask.timestamped:
            found: Sequence[Any] = self._timed(messages, records)
        else:
            self._handed = messages
            # As in Flink: what a schema makes None of is left out.
            found = [record for record in records if record is not None]
        if not found:
            # There may be more, and nobody waits for it.
            self._wake()
        return found

    def _timed(self, messages: list[Message], records: list[Any]) -> TimedRecords:
        timed = TimedRecords()
        times = self._times
        if times is None:
            for message, record in zip(messages, records, strict=True):
                if record is not None:
                    timed.append((record, timestamp_of(message)))
            self._handed = messages
            return timed
        done = 0
        for message, record in zip(messages, records, strict=True):
            done += 1
            if record is None:
                continue
            part = times.of((message.topic(), message.partition()))
            part.busy, part.idle = True, False
            try:
                time = part.extract(record, timestamp_of(message))
                advanced = part.advance(part.check(record, time))
            except Exception as error:
                raise self._unreadable(message, "taking the time of") from error
            timed.append((record, time))
            if advanced:
                # What comes next may be late by this watermark, which goes through the chain before it.
                break
        self._handed, self._next = messages[:done], messages[done:]
        return timed

    def _until_end(self, messages: list[Message], records: list[Any]) -> tuple[list[Message], list[Any]]:
        """Those before the one that the schema takes for the end, which is counted and not handed on."""
        is_end, index = self._is_end, 0
        assert is_end is not None
        try:
            for index, record in enumerate(records):
                if record is not None and is_end(record):
                    self._ended = True
                    return messages[: index + 1], [*records[:index], None]
        except Exception as error:
            raise self._unreadable(messages[index], "looking for the end at") from error
        return messages, records

    def _unreadable(self, message: Message, doing: str = "deserializing") -> OperatorError:
        where = f"offset {message.offset()} of {name_of((message.topic() or '', message.partition() or 0))}"
        return OperatorError(self._head, f"{doing} the record at {where}", ConsumerRecord(message))

    # --- time --------------------------------------------------------------------------------------------------------

    def _note_partitions(self) -> None:
        """Partitions that have been found hold event time; a subtask that has none does not."""
        partitions = self._reader.positions
        if self._times is not None:
            for partition in partitions:
                self._times.of(partition)
        if self._reader.discovered and not partitions and not self._noted:
            self._noted = True
            if not self._source.options.discovery:
                self._ended = True
            elif self._subtask.timestamped:
                self._subtask.chain.watermarks.idle(self._head)
        elif partitions:
            self._noted = True

    def _drained(self, partition: Partition) -> bool:
        return self._reader.lag(partition) == 0

    # --- life --------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._started = True
        with OperatorError.around(self._head, "being opened"):
            self._reader.start()
        if self._times is not None:
            self._times.start()
        options = self._source.options
        if options.auto_commit and options.group is not None and not self._checkpointed:
            self._commit_later()
        self._add_metrics()

    @property
    def _checkpointed(self) -> bool:
        return self._subtask.configuration.get(CHECKPOINT_INTERVAL) > 0

    def settle(self) -> None:
        """What was handed on has been processed; its watermarks may follow it."""
        if self._handed:
            self._reader.count(self._handed)
            self._handed = ()
            if self._times is not None:
                self._times.settle()

    def _commit_later(self) -> None:
        self._subtask.schedule_for(self._head, self._subtask.now() + self._source.options.auto_commit, self._commit_now)

    def _commit_now(self) -> None:
        self.settle()
        self._commit(self._reader.positions)
        self._commit_later()

    def _commit(self, positions: dict[Partition, int]) -> None:
        fresh = {key: offset for key, offset in positions.items() if self._committed.get(key) != offset}
        self._reader.commit(fresh)
        self._committed.update(fresh)

    def progress(self) -> None:
        """Nobody knows an end."""

    def lag(self) -> int | None:
        """How many records of its partitions are still to be read, as brokers have last said. In any thread."""
        return self._reader.lag()

    def close(self) -> None:
        if self._started and self._source.options.auto_commit and not self._checkpointed:
            if self._ended:
                self.settle()
            self._commit(self._reader.positions)
        self._reader.close()

    # --- checkpoints -------------------------------------------------------------------------------------------------

    def snapshot(self, checkpoint: int) -> OperatorSnapshot:
        self.settle()
        positions = dict(self._reader.positions)
        self._counted[checkpoint] = positions
        own: dict[str, Any] = {_OFFSETS: positions, _COMPLETE: self._reader.discovered}
        if self._ended:
            own[_ENDED] = self._subtask.task.parallelism
        if self._times is not None:
            own[_TIMES] = self._times.snapshot()
        return OperatorSnapshot(own=own)

    def on_checkpoint_complete(self, checkpoint: int) -> None:
        positions: dict[Partition, int] | None = None
        for number in [number for number in self._counted if number <= checkpoint]:
            positions = self._counted.pop(number)
        if positions is not None and self._source.commits:
            self._commit(positions)

    def restore(self, state: RestoredState) -> None:
        """Raises StateError for the state of another kind of source."""
        former = {*state.own, *state.everyone}
        if not former:
            return
        if _OFFSETS not in former:
            raise StateError("the state is not that of a Kafka source")
        width = self._subtask.task.parallelism
        offsets: dict[Partition, int] = {}
        for each in state.each(_OFFSETS):
            offsets.update({key: each[key] for key in each if subtask_of(key, width) == self._subtask.index})
        left = {partition for partition in offsets if not _wanted(self._source, partition[0])}
        if left:
            log.warning("%s: no longer among the topics; not read any more", ", ".join(sorted(map(name_of, left))))
        for partition in left:
            del offsets[partition]
        self._reader.restore(offsets, complete=all(state.each(_COMPLETE)))
        if self._times is not None:
            for times in state.each(_TIMES):
                self._times.restore({key: times[key] for key in times if key in offsets})
        ended = state.each(_ENDED)
        # At another parallelism, only if all of them had.
        self._ended = _ENDED in state.own or bool(ended and len(ended) == ended[0])

    # --- metrics -----------------------------------------------------------------------------------------------------

    def _add_metrics(self) -> None:
        """Under Flink's names, as far as there is such a thing."""
        metrics, name = self._subtask.metrics, self._subtask.task.head.name
        reader = self._reader
        gauges: dict[str, Callable[[], Any]] = {
            "records_lag": lambda: reader.lag() or 0,
            "records_lag_max": lambda: max((reader.lag(each) or 0 for each in list(reader.positions)), default=0),
            "commitsSucceeded": lambda: reader.commits(succeeded=True),
            "commitsFailed": lambda: reader.commits(succeeded=False),
        }
        for each, gauge in gauges.items():
            metrics.add(name, f"KafkaConsumer_{each}", gauge)


def _decoder(source: KafkaSource, schema: Any) -> Callable[[Iterator[Message]], list[Any]]:
    """What makes records of messages, one for each; it is at the first message that it has not taken when it raises."""
    if source.charset is not None:
        charset = source.charset
        return lambda messages: [None if (v := each.value()) is None else v.decode(charset) for each in messages]
    method = source.schema.method
    call = getattr(schema, method) if method else schema
    if source.takes == "value":
        return lambda messages: [call(each.value()) for each in messages]
    if source.takes == "parts":
        return lambda messages: [
            call(each.key(), each.value(), each.topic(), each.partition(), each.offset()) for each in messages
        ]
    return lambda messages: [call(ConsumerRecord(each)) for each in messages]


def _end_of(schema: Any) -> Callable[[Any], Any]:
    return getattr(schema, "isEndOfStream", None) or schema.is_end_of_stream


def _wanted(source: KafkaSource, topic: str) -> bool:
    if isinstance(source.topics, re.Pattern):
        return source.topics.fullmatch(topic) is not None
    return topic in source.topics
