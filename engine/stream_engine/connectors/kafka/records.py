"""A message of Kafka as schemas see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from confluent_kafka import Message

_NO_TIMESTAMP = 0


def timestamp_of(message: Message) -> int | None:
    """In ms since the epoch; None for what clients of before Kafka 0.10 have written."""
    kind, time = message.timestamp()
    return None if kind == _NO_TIMESTAMP else time


class ConsumerRecord:
    """As Java's. ``key()`` and ``value()`` are bytes or None, ``timestamp()`` is in ms since the epoch or None."""

    __slots__ = ("_message",)

    def __init__(self, message: Message) -> None:
        self._message = message

    def key(self) -> bytes | None:
        return self._message.key()

    def value(self) -> bytes | None:
        return self._message.value()

    def topic(self) -> str:
        return self._message.topic() or ""

    def partition(self) -> int:
        return self._message.partition() or 0

    def offset(self) -> int:
        return self._message.offset() or 0

    def timestamp(self) -> int | None:
        return timestamp_of(self._message)

    def headers(self) -> list[Any]:
        """Pairs of a name and bytes or None, in order; a name may come more than once."""
        return list(self._message.headers() or ())

    def __repr__(self) -> str:
        return (
            f"ConsumerRecord(topic={self.topic()!r}, partition={self.partition()}, offset={self.offset()}, "
            f"key={self.key()!r}, value={self.value()!r})"
        )
