"""The table of all options: their keys, types, defaults and descriptions."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from stream_engine.configuration.values import (
    Boolean,
    Choice,
    Duration,
    Integer,
    MemorySize,
    Number,
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
    Integer(1, 32768, auto=usable_cores, remark="or auto"),
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
INLINE_FUNCTIONS = ConfigOption(
    "pipeline.inline-functions",
    Boolean(),
    "true",
    "Puts the code of short functions into the loop that calls them, after 0.1 s of work.",
)
END_OF_INPUT = ConfigOption(
    "pipeline.end-of-input",
    Choice("fire", "drop"),
    "fire",
    "Processing-time windows still open when the input ends: fire emits them, drop loses them as older Flink did.",
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
HOLD_WATERMARKS = ConfigOption(
    "source.file.hold-watermarks",
    Boolean(),
    "false",
    "Event time waits for the slowest file of a source, unread ones included: no file makes another's records late.",
)
SOCKET_MAX_RETRIES = ConfigOption(
    "source.socket.max-retries",
    Integer(-1, 2**31 - 1, remark="where -1 never gives up"),
    "20",
    "How often a socket source tries again to connect to a server that is not there yet; -1: without end.",
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
    "Where loops put the records that memory does not hold, and rocksdb its database; empty: the system's temporary "
    "directory.",
)
FILE_SYSTEM_TIMEOUT = ConfigOption(
    "fs.timeout",
    Duration(1),
    "1 min",
    "How long a remote store that does not answer, or answers that it cannot now, is tried again before a job fails.",
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
    "Where a page shows running jobs: a port, or a range of which the first free one is taken; empty: nowhere. On a "
    "Flink cluster: the port of its own page.",
)
REST_ADDRESS = ConfigOption(
    "rest.bind-address",
    Text(),
    "127.0.0.1",
    "The address that the page is served at; by default for this machine only.",
)

TARGET = ConfigOption(
    "execution.target",
    Choice("local", "remote"),
    "local",
    "Where jobs run: local: on this machine; remote: on the Flink cluster at rest.address and rest.port (--target).",
)
CLUSTER_ADDRESS = ConfigOption(
    "rest.address",
    Text(),
    "localhost",
    "The host of the Flink cluster that jobs run on, if they are not to run on this machine (-m HOST:PORT).",
)
ATTACHED = ConfigOption(
    "execution.attached",
    Boolean(),
    "true",
    "Waits for a job on a Flink cluster; false leaves it there (--detached), and output() goes to the workers' log.",
)
SHARED_PATHS = ConfigOption(
    "cluster.shared-paths",
    Paths(),
    "",
    "Directories that this machine and all workers of a Flink cluster have mounted at the same place.",
)

CHECKPOINT_INTERVAL = ConfigOption(
    "execution.checkpointing.interval",
    Duration(0, remark="0 takes no checkpoints"),
    "0 ms",
    "How often a checkpoint is taken, from which the job resumes after a failure; 0: never.",
)
CHECKPOINT_MODE = ConfigOption(
    "execution.checkpointing.mode",
    Choice("exactly_once", "at_least_once"),
    "exactly_once",
    "How often a record counts in the state after a failure; at_least_once does not align inputs at a checkpoint.",
)
INCREMENTAL_CHECKPOINTS = ConfigOption(
    "execution.checkpointing.incremental",
    Boolean(),
    "false",
    "Keeps in a checkpoint only what has changed since the one before, with which it shares the rest.",
)
CHECKPOINT_TIMEOUT = ConfigOption(
    "execution.checkpointing.timeout",
    Duration(1),
    "10 min",
    "How long a checkpoint may take before it is given up.",
)
CHECKPOINT_PAUSE = ConfigOption(
    "execution.checkpointing.min-pause",
    Duration(0),
    "0 ms",
    "The least time between the end of a checkpoint and the beginning of the next.",
)
TOLERABLE_FAILURES = ConfigOption(
    "execution.checkpointing.tolerable-failed-checkpoints",
    Integer(0, 2**31 - 1),
    "0",
    "How many checkpoints in a row may fail before the job does.",
)
CHECKPOINT_DIRECTORY = ConfigOption(
    "state.checkpoints.dir",
    Text(),
    "",
    "Where checkpoints are kept; empty: in a directory of the user's own below the system's temporary one. On a Flink "
    "cluster there has to be one, of the job or of the cluster.",
)
RETAINED_CHECKPOINTS = ConfigOption(
    "state.checkpoints.num-retained",
    Integer(1, 2**31 - 1),
    "1",
    "How many of the newest checkpoints are kept.",
)
SAVEPOINT_DIRECTORY = ConfigOption(
    "state.savepoints.dir",
    Text(),
    "",
    "Where savepoints go when the command line names no directory.",
)
SAVEPOINT_PATH = ConfigOption(
    "execution.savepoint.path",
    Text(),
    "",
    "The savepoint or checkpoint that the first job of the script resumes from (-s).",
)
IGNORE_UNCLAIMED_STATE = ConfigOption(
    "execution.savepoint.ignore-unclaimed-state",
    Boolean(),
    "false",
    "Resumes even if there is state for operators that the script no longer has (--allow-non-restored-state).",
)
STOP_WITH_SAVEPOINT = ConfigOption(
    "execution.savepoint.on-stop",
    Boolean(),
    "false",
    "Takes a savepoint in state.savepoints.dir before SIGINT, SIGTERM or SIGHUP stops a job (--stop-with-savepoint).",
)
STATE_BACKEND = ConfigOption(
    "state.backend",
    # Those that Flink had until 1.12 kept it in memory, and differed in where checkpoints went.
    Choice("hashmap", "rocksdb", former={"jobmanager": "hashmap", "filesystem": "hashmap"}),
    "hashmap",
    "Where keyed state is kept: hashmap (as jobmanager and filesystem of former Flinks): in memory; rocksdb: on disk, "
    "which needs the extra [rocksdb].",
)
ROCKSDB_MEMORY = ConfigOption(
    "state.backend.rocksdb.memory.fixed-per-slot",
    MemorySize(1024 * 1024),
    "192 mb",
    "About how much memory each worker takes for state on disk: half for keys in use, the rest for the database.",
)
RESTART_STRATEGY = ConfigOption(
    "restart-strategy",
    Choice("auto", "none", "fixed-delay", "exponential-delay", "failure-rate"),
    "auto",
    "Whether and when a job that fails is restarted; auto: exponential-delay if it takes checkpoints, else none.",
)
FIXED_DELAY_ATTEMPTS = ConfigOption(
    "restart-strategy.fixed-delay.attempts",
    Integer(0, 2**31 - 1),
    "1",
    "How often the job is restarted before it fails for good.",
)
FIXED_DELAY = ConfigOption(
    "restart-strategy.fixed-delay.delay",
    Duration(0),
    "1 s",
    "The time before each restart.",
)
INITIAL_BACKOFF = ConfigOption(
    "restart-strategy.exponential-delay.initial-backoff",
    Duration(1),
    "1 s",
    "The time before the first restart.",
)
MAX_BACKOFF = ConfigOption(
    "restart-strategy.exponential-delay.max-backoff",
    Duration(1),
    "1 min",
    "The longest time before a restart.",
)
BACKOFF_MULTIPLIER = ConfigOption(
    "restart-strategy.exponential-delay.backoff-multiplier",
    Number(1),
    "1.5",
    "The factor by which the time grows with each restart.",
)
BACKOFF_RESET = ConfigOption(
    "restart-strategy.exponential-delay.reset-backoff-threshold",
    Duration(1),
    "1 h",
    "After how long without a failure the time is the initial one again.",
)
BACKOFF_JITTER = ConfigOption(
    "restart-strategy.exponential-delay.jitter-factor",
    Number(0, 1),
    "0.1",
    "The part of the time that is added or taken away at random.",
)
MAX_FAILURES = ConfigOption(
    "restart-strategy.failure-rate.max-failures-per-interval",
    Integer(0, 2**31 - 1),
    "1",
    "How many failures are allowed within the interval; with one more the job fails for good.",
)
FAILURE_INTERVAL = ConfigOption(
    "restart-strategy.failure-rate.failure-rate-interval",
    Duration(1),
    "1 min",
    "The interval in which failures are counted.",
)
FAILURE_DELAY = ConfigOption(
    "restart-strategy.failure-rate.delay",
    Duration(0),
    "1 s",
    "The time before each restart.",
)
CANCELLATION_TIMEOUT = ConfigOption(
    "task.cancellation.timeout",
    Duration(0, remark="where 0 waits as long as it takes"),
    "3 s",
    "How long a job that is stopped may take before it is killed, half of it for its sources to end; 0: without end.",
)
HEARTBEAT_INTERVAL = ConfigOption(
    "heartbeat.interval",
    Duration(1),
    "10 s",
    "How often each worker sends a heartbeat.",
)
HEARTBEAT_TIMEOUT = ConfigOption(
    "heartbeat.timeout",
    Duration(1),
    "50 s",
    "How long a worker may send no heartbeat before it is killed, which is a failure of the job.",
)

OPTIONS: dict[str, ConfigOption[Any]] = {
    option.key: option
    for option in (
        DEFAULT_PARALLELISM,
        BUFFER_TIMEOUT,
        OBJECT_REUSE,
        INLINE_FUNCTIONS,
        END_OF_INPUT,
        JOB_NAME,
        WATERMARK_INTERVAL,
        IDLE_TIMEOUT,
        HOLD_WATERMARKS,
        SOCKET_MAX_RETRIES,
        SOCKET_RETRY_INTERVAL,
        ITERATION_MEMORY,
        TMP_DIRS,
        FILE_SYSTEM_TIMEOUT,
        CHECKPOINT_INTERVAL,
        CHECKPOINT_MODE,
        INCREMENTAL_CHECKPOINTS,
        CHECKPOINT_TIMEOUT,
        CHECKPOINT_PAUSE,
        TOLERABLE_FAILURES,
        CHECKPOINT_DIRECTORY,
        RETAINED_CHECKPOINTS,
        SAVEPOINT_DIRECTORY,
        SAVEPOINT_PATH,
        IGNORE_UNCLAIMED_STATE,
        STOP_WITH_SAVEPOINT,
        STATE_BACKEND,
        ROCKSDB_MEMORY,
        RESTART_STRATEGY,
        FIXED_DELAY_ATTEMPTS,
        FIXED_DELAY,
        INITIAL_BACKOFF,
        MAX_BACKOFF,
        BACKOFF_MULTIPLIER,
        BACKOFF_RESET,
        BACKOFF_JITTER,
        MAX_FAILURES,
        FAILURE_INTERVAL,
        FAILURE_DELAY,
        CANCELLATION_TIMEOUT,
        HEARTBEAT_INTERVAL,
        HEARTBEAT_TIMEOUT,
        METRICS_PORT,
        METRICS_HOST,
        REST_PORT,
        REST_ADDRESS,
        TARGET,
        CLUSTER_ADDRESS,
        ATTACHED,
        SHARED_PATHS,
    )
}


def nearest_key(key: str) -> str | None:
    """The known key that looks most like ``key``; None when none looks much like it."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(key, OPTIONS, n=1, cutoff=0.7)), None)
