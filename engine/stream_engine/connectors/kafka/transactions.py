"""Writes records to Kafka exactly once: in transactions that checkpoints decide on.

Flink writes records into a transaction as they come, and after a failure its producer takes up a transaction of a
process that is gone, to commit what a checkpoint counts. librdkafka cannot: with the id of a transaction all it does is
abort that. So here the records of a transaction are kept, in the state that goes into the checkpoint, and are sent when
the checkpoint is complete, in a transaction of Kafka's that lasts as long as their sending. Whatever fails before its
end, they are there to be sent again. To keep them and to send them early as well would gain nothing, and readers who
wait for open transactions would wait for every checkpoint.

What is left is a failure at the very end of a transaction, where nobody knows whether it was committed. Each therefore
commits, along with its records, a marker: its own number, as an offset of a group of the sink's own. Both are committed
or neither is. Who takes over first makes the producer of that transactional id its own, which aborts what is open and
fences its former owner; then the marker cannot move any more, and tells what was committed.

Numbers grow: from the clock, and always beyond the marker. A transaction up to the marker was committed; it may be one
of another run, but that run has made up its mind about all that it knew of.
"""

from __future__ import annotations

import pickle
from itertools import chain
from threading import Thread
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any

from stream_engine.connectors.kafka.client import KafkaFailure, brokers, consumer, log, producer, reason
from stream_engine.connectors.kafka.encoding import Encoder, Outgoing
from stream_engine.connectors.kafka.sink import producer_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stream_engine.graph.specs import KafkaSink

# So many records become one piece of bytes.
_PIECE = 1000
# In seconds: how long one request may take before it is made again, after which time it is given up whether it has
# returned or not, and how long to wait after one that failed.
_REQUEST, _STUCK, _PAUSE = 10.0, 11.0, 0.2
# In seconds: how long closing may take.
_CLOSING = 0.5
# What a producer is told whose id another one has.
_FENCED = ("_FENCED", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH")
# Milliseconds: more than any sending takes, and less than the most that brokers allow.
_TRANSACTION_TIMEOUT = 300_000
# Numbers that begin within one millisecond.
_SHIFT = 20
# For so many seconds brokers keep a group's offsets, less a day; after that nobody knows what was committed.
_MARKER_LIFE = 6 * 86_400


class Sender:
    """The producer of one transactional id. Making it fences all others of that id, and aborts what they have open.

    ``marker`` is the number of the last transaction that was committed; 0: of none that brokers remember. All methods
    raise KafkaFailure for what Kafka refuses, or does not do within the sink's timeout.
    """

    def __init__(self, sink: KafkaSink, transactional_id: str) -> None:
        self._sink = sink
        self.id = transactional_id
        self.marker = 0
        self._connect(self._deadline())

    def send(self, number: int, records: Iterable[Outgoing]) -> None:
        """Commits ``records`` and the marker ``number``. ``records`` may be gone through more than once.

        After a failure another producer takes the place of this one, as after a crash: nothing is left open then, and
        the marker tells whether the records were committed.
        """
        from confluent_kafka import KafkaException

        deadline = None
        while self.marker < number:
            try:
                self._try(number, records)
                self.marker = number
            except (KafkaException, _Stuck) as error:
                if _fenced(error):
                    raise self._failed(error) from error
                deadline = deadline or self._deadline()
                log.warning("a transaction of %s failed, and is looked into: %s", self.id, reason(error))
                self._connect(deadline)

    def close(self) -> None:
        """Nothing is on its way: all that was sent was committed, or is to be aborted by who comes next."""
        try:
            _in_time(self.producer.purge, _CLOSING)
        except _Stuck:
            pass  # It is left to the end of the process.

    def _try(self, number: int, records: Iterable[Outgoing]) -> None:
        from confluent_kafka import TopicPartition

        producer, group = self.producer, self._group
        producer.begin_transaction()
        for topic, value, key, partition, timestamp, headers in records:
            while True:
                try:
                    producer.produce(topic, value, key, partition, timestamp=timestamp, headers=headers)
                    break
                except BufferError:
                    producer.poll(0.1)
        marker = [TopicPartition(self._sink.topic, 0, number)]
        _in_time(lambda: producer.send_offsets_to_transaction(marker, group, _REQUEST), _STUCK)
        # Which flushes, too, and may take as long as records may.
        _in_time(lambda: producer.commit_transaction(self._sink.timeout / 1000), self._sink.timeout / 1000 + _STUCK)

    def _connect(self, deadline: float) -> None:
        from confluent_kafka import KafkaException

        settings = {"transaction.timeout.ms": _TRANSACTION_TIMEOUT, **self._sink.settings}
        options = producer_settings(self._sink._replace(settings=settings), **{"transactional.id": self.id})
        made, ready = producer(options), False
        while True:
            try:
                if not ready:
                    _in_time(lambda made=made: made.init_transactions(_REQUEST), _STUCK)
                    self.producer, ready = made, True
                self.marker = max(self.marker, self._read_marker())
                return
            except (KafkaException, _Stuck) as error:
                if _fenced(error) or monotonic() >= deadline or not _passes(error):
                    raise self._failed(error) from error
                log.info("transactional id %s: %s; trying again", self.id, reason(error))
                if not ready and isinstance(error, _Stuck):
                    made = producer(options)
                sleep(_PAUSE)

    def _read_marker(self) -> int:
        from confluent_kafka import KafkaException, TopicPartition

        reader = consumer(self._sink.settings, self.id, lambda error: None)
        try:
            # A group without members, for which anybody may commit offsets.
            self._group = reader.consumer_group_metadata()
            answer = reader.committed([TopicPartition(self._sink.topic, 0)], _REQUEST)[0]
            if answer.error is not None:
                raise KafkaException(answer.error)
            return max(0, answer.offset)
        finally:
            reader.close()

    def _deadline(self) -> float:
        return monotonic() + self._sink.timeout / 1000

    def _failed(self, error: BaseException) -> KafkaFailure:
        text = f"Kafka at {brokers(self._sink.settings)}, transactional id {self.id}: {reason(error)}"
        if _fenced(error):
            text += "; another producer has this id now: another run of this job, or a job with the same uid and topic"
        return KafkaFailure(text)


class _Stuck(Exception):
    """A request that does not return."""


def _in_time(request: Callable[[], Any], seconds: float) -> None:
    """Calls ``request`` and raises what it raises; _Stuck when it has not returned after so many seconds.

    Some of librdkafka's requests for transactions have a timeout, and yet wait without end when a broker was restarted.
    The thread that is in one is left behind.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            request()
        except BaseException as error:
            raised.append(error)

    thread = Thread(target=run, name="kafka transaction", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise _Stuck(f"no answer for {seconds:g} s")
    if raised:
        raise raised[0]


def _fenced(error: BaseException) -> bool:
    return not isinstance(error, _Stuck) and error.args[0].name() in _FENCED


def _passes(error: BaseException) -> bool:
    """Whether another try may go well: what brokers refuse, they refuse again."""
    return isinstance(error, _Stuck) or not error.args[0].name().endswith(("_FAILED", "_AUTHENTICATION"))


class TransactionalWriter:
    """The function of a sink that writes exactly once. ``name`` is the sink's, by which its ids are told from others'.

    A transaction is a number; its records are in ``_kept`` from ``pre_commit`` until Kafka has committed them.
    """

    def __init__(self, sink: KafkaSink, name: str, index: int, width: int) -> None:
        self._sink = sink
        self._name = sink.transactional_id or name
        self._index, self._width = index, width
        self._sender: Sender | None = None
        self._number = 0
        self._records: list[Outgoing] = []
        # The packed records of the present transaction, and by their numbers those of the ones that wait.
        self._pieces: list[bytes] = []
        self._kept: dict[int, list[bytes]] = {}
        # By transactional id, what a checkpoint counts that may not have been committed, and since when.
        self._restored: dict[str, dict[str, Any]] = {}

    @property
    def _id(self) -> str:
        return f"{self._name}-{self._index}"

    # --- state -------------------------------------------------------------------------------------------------------

    def snapshot_state(self) -> dict[str, Any]:
        return {"id": self._id, "number": self._number, "kept": self._kept, "at": time()}

    def restore_state(self, state: dict[str, Any]) -> None:
        self._restored[state["id"]] = state

    def restore_all_states(self, states: list[dict[str, Any]]) -> None:
        """At another parallelism: each former subtask's id is one's, so that its transactions have one owner."""
        for former, state in enumerate(states):
            if former % self._width == self._index:
                self._restored[state["id"]] = state

    def open(self) -> None:
        """Fences former owners of the ids, and commits what the checkpoint counts and they did not."""
        own = self._sender = Sender(self._sink, self._id)
        self._encoder = Encoder(self._sink, lambda: own.producer, self._index, self._width)
        restored, self._restored = self._restored, {}
        for former, state in restored.items():
            sender = self._sender if former == self._id else Sender(self._sink, former)
            self._number = max(self._number, state["number"])
            for number, pieces in sorted(state["kept"].items()):
                if pieces and number > sender.marker:
                    self._check_age(sender, state)
                    sender.send(number, _Unpacked(pieces))
            if sender is not self._sender:
                sender.close()
        self._number = max(self._number, self._sender.marker, int(time() * 1000) << _SHIFT)

    def _check_age(self, sender: Sender, state: dict[str, Any]) -> None:
        if not sender.marker and time() - state["at"] > _MARKER_LIFE:
            raise KafkaFailure(
                f"the state is {(time() - state['at']) / 86_400:.0f} days old, and brokers no longer know which of the "
                f"transactions of {sender.id} were committed: see in {self._sink.topic} whether its last records are "
                "there; give the sink another uid(...), and leave its state behind with --allow-non-restored-state"
            )

    # --- transactions ------------------------------------------------------------------------------------------------

    def begin(self) -> int:
        self._number += 1
        self._records, self._pieces = [], []
        return self._number

    def invoke(self, record: Any, context: Any = None) -> None:
        records = self._records
        records.append(self._encoder.encode(record, None if context is None else context.timestamp()))
        if len(records) >= _PIECE:
            self._pack()

    def pre_commit(self, number: int) -> None:
        self._pack()
        self._kept[number] = self._pieces

    def commit(self, number: int) -> None:
        """Of one that is not kept, it was done when the sink was opened."""
        pieces = self._kept.get(number)
        if pieces:
            assert self._sender is not None
            self._sender.send(number, _Unpacked(pieces))
        # Only now: what fails here is to be tried again after a restart.
        self._kept.pop(number, None)

    def abort(self, number: int) -> None:
        self._records, self._pieces = [], []

    def close(self) -> None:
        if self._sender is not None:
            self._sender.close()

    def _pack(self) -> None:
        if self._records:
            self._pieces.append(pickle.dumps([tuple(each) for each in self._records], 5))
            self._records = []


class _Unpacked:
    """The records in ``pieces``, of which one is unpacked at a time."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Any:
        return chain.from_iterable(map(pickle.loads, self._pieces))
