"""librdkafka's clients as this engine uses them: quiet, and with errors in words."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from confluent_kafka import Consumer, KafkaError, Producer

log = logging.getLogger(__name__.rpartition(".")[0])

# Enough to keep a worker busy, and little enough to keep its memory flat while it is held up: librdkafka stops fetching
# when so much waits. It looks again after the last of them: by default a second, when a worker has long done it all.
_QUEUE = {"queued.max.messages.kbytes": "16384", "fetch.queue.backoff.ms": "20"}
# A broker that is back is to be found soon: by default librdkafka may not look for ten seconds.
_CONNECTIONS = {"reconnect.backoff.max.ms": "1000", "log.connection.close": False}


class KafkaFailure(ConnectionError):
    """What Kafka refuses, or cannot be reached for; the message names the brokers and what was asked of them."""


class _Log:
    """librdkafka's own log, of which most only says that it tries again."""

    def log(self, level: int, text: str, *arguments: Any) -> None:
        log.debug(text, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(log, name)


def consumer(settings: Mapping[str, Any], group: str | None, on_error: Callable[[KafkaError], None]) -> Consumer:
    """A consumer that commits nothing by itself, and says where it has no offset to go on from."""
    from confluent_kafka import Consumer

    return Consumer(
        {
            **_QUEUE,
            **_CONNECTIONS,
            **settings,
            # There is none without, though nothing is ever committed to this one.
            "group.id": group or "pyflink-stream",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": False,
            "error_cb": on_error,
        },
        logger=_Log(),
    )


def producer(settings: Mapping[str, Any]) -> Producer:
    from confluent_kafka import Producer

    return Producer({**_CONNECTIONS, **settings}, logger=_Log())


def brokers(settings: Mapping[str, str]) -> str:
    """For people: the addresses that the script has given."""
    return settings["bootstrap.servers"]


def reason(error: Any) -> str:
    """What a KafkaError, or the exception around one, says."""
    while getattr(error, "args", None) and not hasattr(error, "str"):
        error = error.args[0]
    return f"{error.str()} ({error.name()})" if hasattr(error, "str") else str(error)
