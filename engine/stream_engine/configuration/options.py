"""The one table of options: what can be configured, how it is written, and what it is when nobody says."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from stream_engine.configuration.values import (
    Boolean,
    Choice,
    Duration,
    Integer,
    MemorySize,
    Paths,
    Ports,
    Text,
    ValueType,
    usable_cores,
)

T = TypeVar("T")


class ConfigOption(Generic[T]):
    """A key of ``flink-conf.yaml``: its type, its default as it would be written there, and a line of help."""

    def __init__(self, key: str, type: ValueType[T], default: str, help: str) -> None:
        self.key = key
        self.type = type
        self.default = default
        self.help = help

    def __repr__(self) -> str:
        return f"ConfigOption({self.key!r}, default={self.default!r})"


DEFAULT_PARALLELISM = ConfigOption(
    "parallelism.default",
    Integer(1, 32768, auto=usable_cores, remark="or auto for the usable cores"),
    "1",
    "Parallel instances of an operator that sets none itself; auto takes the usable cores.",
)
BUFFER_TIMEOUT = ConfigOption(
    "execution.buffer-timeout",
    Duration(-1, remark="0 sends every record at once, -1 sends full buffers only"),
    "100 ms",
    "The longest that a record waits in a buffer for others; 0: never waits, -1: until the buffer is full.",
)
OBJECT_REUSE = ConfigOption(
    "pipeline.object-reuse",
    Boolean(),
    "false",
    "Hands mutable records on without copying them; functions must then neither keep nor change them.",
)
END_OF_INPUT = ConfigOption(
    "pipeline.end-of-input",
    Choice("fire", "drop"),
    "fire",
    "Time windows still open when the input ends: fire emits them, drop loses them as older Flink did.",
)
JOB_NAME = ConfigOption(
    "pipeline.name",
    Text(),
    "Flink Streaming Job",
    "The name of a job whose execute() gives none.",
)
WATERMARK_INTERVAL = ConfigOption(
    "pipeline.auto-watermark-interval",
    Duration(0, remark="0 asks after each record only"),
    "200 ms",
    "How often an assigner of timestamps is asked for its watermark.",
)
IDLE_TIMEOUT = ConfigOption(
    "pipeline.idle-timeout",
    Duration(0, remark="where 0 always waits"),
    "5 s",
    "An instance of an assigner without records for this long no longer holds back event time; 0: it always does.",
)
SOCKET_MAX_RETRIES = ConfigOption(
    "source.socket.max-retries",
    Integer(-1, 2**31 - 1, remark="where -1 never gives up"),
    "20",
    "How often a socket source tries again to connect to a server that is not there yet; -1: for ever.",
)
SOCKET_RETRY_INTERVAL = ConfigOption(
    "source.socket.retry-interval",
    Duration(0),
    "500 ms",
    "How long a socket source waits before it tries again to connect.",
)
ITERATION_MEMORY = ConfigOption(
    "iteration.memory",
    MemorySize(0),
    "32 mb",
    "Records that each instance of a loop holds in memory on their way back; the rest waits on disk.",
)
TMP_DIRS = ConfigOption(
    "io.tmp.dirs",
    Paths(),
    "",
    "Where loops put the records that memory does not hold; empty: the system's temporary directory.",
)
METRICS_PORT = ConfigOption(
    "metrics.reporter.prom.port",
    Ports(),
    "",
    "Where Prometheus can read metrics: a port, or a range of which the first free one is taken; empty: nowhere.",
)
METRICS_HOST = ConfigOption(
    "metrics.reporter.prom.host",
    Text(),
    "127.0.0.1",
    "The address that metrics are served at; by default for this machine only.",
)
REST_PORT = ConfigOption(
    "rest.port",
    Ports(),
    "",
    "Where a page shows running jobs: a port, or a range of which the first free one is taken; empty: nowhere.",
)
REST_ADDRESS = ConfigOption(
    "rest.bind-address",
    Text(),
    "127.0.0.1",
    "The address that the page is served at; by default for this machine only.",
)

OPTIONS: dict[str, ConfigOption[Any]] = {
    option.key: option
    for option in (
        DEFAULT_PARALLELISM,
        BUFFER_TIMEOUT,
        OBJECT_REUSE,
        END_OF_INPUT,
        JOB_NAME,
        WATERMARK_INTERVAL,
        IDLE_TIMEOUT,
        SOCKET_MAX_RETRIES,
        SOCKET_RETRY_INTERVAL,
        ITERATION_MEMORY,
        TMP_DIRS,
        METRICS_PORT,
        METRICS_HOST,
        REST_PORT,
        REST_ADDRESS,
    )
}


def nearest_key(key: str) -> str | None:
    """The known key that looks most like ``key``; None when none looks much like it."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(key, OPTIONS, n=1, cutoff=0.7)), None)
