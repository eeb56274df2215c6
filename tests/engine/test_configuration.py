"""The map of options, as scripts and the engine use it."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import pytest

import pyflink_stream
import stream_engine
from stream_engine.configuration import OPTIONS, Configuration, ConfigurationError, nearest_key
from stream_engine.configuration.options import BUFFER_TIMEOUT, DEFAULT_PARALLELISM, OBJECT_REUSE, STATE_BACKEND

ENGINE = Path(stream_engine.__file__).parent
RUNNER = Path(pyflink_stream.__file__).parent


def test_every_default_is_a_value_its_option_takes() -> None:
    configuration = Configuration()
    assert {key: configuration.get(key) for key in OPTIONS} == {
        "parallelism.default": 1,
        "execution.buffer-timeout": 100,
        "pipeline.object-reuse": False,
        "pipeline.inline-functions": True,
        "pipeline.end-of-input": "fire",
        "pipeline.auto-watermark-interval": 200,
        "pipeline.idle-timeout": 5000,
        "source.file.hold-watermarks": False,
        "pipeline.name": "Flink Streaming Job",
        "source.socket.max-retries": 20,
        "source.socket.retry-interval": 500,
        "iteration.memory": 32 << 20,
        "io.tmp.dirs": (),
        "execution.checkpointing.interval": 0,
        "execution.checkpointing.mode": "exactly_once",
        "execution.checkpointing.incremental": False,
        "execution.checkpointing.timeout": 600_000,
        "execution.checkpointing.min-pause": 0,
        "execution.checkpointing.tolerable-failed-checkpoints": 0,
        "state.checkpoints.dir": "",
        "state.checkpoints.num-retained": 1,
        "state.savepoints.dir": "",
        "execution.savepoint.path": "",
        "execution.savepoint.ignore-unclaimed-state": False,
        "execution.savepoint.on-stop": False,
        "state.backend": "hashmap",
        "state.backend.rocksdb.memory.fixed-per-slot": 192 * 1024 * 1024,
        "restart-strategy": "auto",
        "restart-strategy.fixed-delay.attempts": 1,
        "restart-strategy.fixed-delay.delay": 1000,
        "restart-strategy.exponential-delay.initial-backoff": 1000,
        "restart-strategy.exponential-delay.max-backoff": 60_000,
        "restart-strategy.exponential-delay.backoff-multiplier": 1.5,
        "restart-strategy.exponential-delay.reset-backoff-threshold": 3_600_000,
        "restart-strategy.exponential-delay.jitter-factor": 0.1,
        "restart-strategy.failure-rate.max-failures-per-interval": 1,
        "restart-strategy.failure-rate.failure-rate-interval": 60_000,
        "restart-strategy.failure-rate.delay": 1000,
        "task.cancellation.timeout": 3_000,
        "heartbeat.interval": 10_000,
        "heartbeat.timeout": 50_000,
        "metrics.reporter.prom.port": (),
        "metrics.reporter.prom.host": "127.0.0.1",
        "rest.port": (),
        "rest.bind-address": "127.0.0.1",
        "execution.target": "local",
        "rest.address": "localhost",
        "execution.attached": True,
        "cluster.shared-paths": (),
        "fs.timeout": 60_000,
    }


def test_known_keys_give_typed_values() -> None:
    configuration = Configuration()
    configuration.set("parallelism.default", "3").set("execution.buffer-timeout", "2 s").setBoolean(OBJECT_REUSE, True)
    assert configuration.get(DEFAULT_PARALLELISM) == 3
    assert configuration.get(BUFFER_TIMEOUT) == 2000
    assert configuration.get("pipeline.object-reuse") is True
    assert configuration.to_dict() == {
        "parallelism.default": "3",
        "execution.buffer-timeout": "2 s",
        "pipeline.object-reuse": "true",
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("parallelism.default", 0),
        ("parallelism.default", 32769),
        ("parallelism.default", "two"),
        ("parallelism.default", "1_0"),
        ("parallelism.default", True),
        ("parallelism.default", 1.0),
        ("parallelism.default", ""),
        ("execution.buffer-timeout", -2),
        ("execution.buffer-timeout", "-1 s"),
        ("execution.buffer-timeout", "1.5 s"),
        ("execution.buffer-timeout", "1 fortnight"),
        ("execution.buffer-timeout", "s"),
        ("execution.buffer-timeout", "99999999999999999999 d"),
        ("pipeline.object-reuse", "yes"),
        ("pipeline.object-reuse", 1),
        ("pipeline.end-of-input", "keep"),
        ("iteration.memory", "-1"),
        ("iteration.memory", "1 pb"),
        ("restart-strategy.exponential-delay.backoff-multiplier", "0.9"),
        ("restart-strategy.exponential-delay.backoff-multiplier", "nan"),
        ("restart-strategy.exponential-delay.backoff-multiplier", "twice"),
        ("restart-strategy.exponential-delay.jitter-factor", "1.01"),
        ("restart-strategy.exponential-delay.jitter-factor", "1e-1"),
    ],
)
def test_a_bad_value_is_refused_when_it_is_set(key: str, value: object) -> None:
    configuration = Configuration()
    with pytest.raises(ConfigurationError) as raised:
        configuration.set(key, value, "conf.yaml:3")
    assert (raised.value.key, raised.value.value, raised.value.origin) == (key, value, "conf.yaml:3")
    assert str(raised.value) == f"conf.yaml:3: {key}: {value}: give {OPTIONS[key].type.allowed}"
    assert not configuration.contains_key(key)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("-1", -1),
        ("-1 ms", -1),
        (" 250 ", 250),
        ("100 ms", 100),
        ("100ms", 100),
        ("3 milliseconds", 3),
        ("1 s", 1_000),
        ("2 SEC", 2_000),
        ("5 min", 300_000),
        ("5m", 300_000),
        ("1 h", 3_600_000),
        ("2 hours", 7_200_000),
        ("1 d", 86_400_000),
        (7, 7),
    ],
)
def test_durations_are_milliseconds(text: object, milliseconds: int) -> None:
    assert Configuration({"execution.buffer-timeout": text}).get(BUFFER_TIMEOUT) == milliseconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1000", 1000),
        ("10 b", 10),
        ("2kb", 2048),
        ("64 mb", 64 << 20),
        ("1g", 1 << 30),
        ("1 TB", 1 << 40),
        ("3 mebibytes", 3 << 20),
    ],
)
def test_memory_sizes_are_bytes(text: str, size: int) -> None:
    assert Configuration({"iteration.memory": text}).get("iteration.memory") == size


@pytest.mark.parametrize(("text", "value"), [("true", True), ("FALSE", False), ("True", True), (False, False)])
def test_booleans_are_written_in_either_case(text: object, value: bool) -> None:
    assert Configuration({"pipeline.object-reuse": text}).get(OBJECT_REUSE) is value


@pytest.mark.parametrize("former", ["filesystem", "JobManager"])
def test_the_state_backends_of_former_flinks_are_in_memory(former: str) -> None:
    assert Configuration({"state.backend": former}).get(STATE_BACKEND) == "hashmap"


def test_directories_are_separated_as_in_flink() -> None:
    assert Configuration({"io.tmp.dirs": "/a, /b|/c:/d"}).get("io.tmp.dirs") == ("/a", "/b", "/c", "/d")


def test_a_scripts_own_keys_keep_their_values() -> None:
    configuration = Configuration()
    configuration.setString("my.name", " x ")
    configuration.setInteger("my.number", 5)
    configuration.setFloat("my.ratio", 0.5)
    configuration.setBoolean("my.flag", True)
    configuration.set("my.text", "12")
    assert configuration.getString("my.name", "") == " x "
    assert configuration.getInteger("my.number", 0) == 5
    assert configuration.getInteger("my.text", 0) == 12
    assert configuration.getFloat("my.ratio", 0.0) == 0.5
    assert configuration.getBoolean("my.flag", False) is True
    assert configuration.get("my.name") == " x "
    assert "my.name" in configuration
    assert configuration.containsKey("my.name")


def test_a_key_that_was_never_set_gives_the_default_that_is_passed() -> None:
    configuration = Configuration()
    assert configuration.getInteger("my.number", 3) == 3
    assert configuration.getString("my.name") is None
    assert configuration.get("my.name", "x") == "x"
    assert configuration.getInteger("parallelism.default", 4) == 4
    assert configuration.getInteger("parallelism.default") == 1
    assert configuration.getString("execution.buffer-timeout") == "100 ms"


def test_a_getter_of_the_wrong_type_names_key_and_value() -> None:
    configuration = Configuration({"my.name": "x"})
    with pytest.raises(ConfigurationError, match=r"the script: my.name: x: give a whole number"):
        configuration.getInteger("my.name", 0)
    with pytest.raises(ConfigurationError, match="true or false"):
        configuration.getBoolean("my.name", False)


def test_copies_and_merges_are_independent() -> None:
    one = Configuration({"my.a": 1, "my.b": 1})
    other = Configuration({"my.b": 2})
    merged = one.merge(other)
    copied = one.copy()
    copied.set("my.a", 9)
    assert merged.to_dict() == {"my.a": "1", "my.b": "2"}
    assert one.to_dict() == {"my.a": "1", "my.b": "1"}
    assert one == Configuration({"my.a": 1, "my.b": 1}) != copied


def test_a_removed_key_has_its_default_again() -> None:
    configuration = Configuration({"parallelism.default": 4})
    configuration.remove("parallelism.default")
    assert configuration.get(DEFAULT_PARALLELISM) == 1
    assert configuration == Configuration()


def test_configurations_and_their_errors_travel_between_processes() -> None:
    configuration = Configuration({"parallelism.default": 4, "my.flag": True})
    assert pickle.loads(pickle.dumps(configuration)) == configuration
    error = ConfigurationError("key", "value", "a number", "-D")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("paralelism.default", "parallelism.default"),
        ("parallelism", "parallelism.default"),
        ("execution.buffertimeout", "execution.buffer-timeout"),
        ("jobmanager.rpc.address", None),
    ],
)
def test_a_misspelt_key_has_a_nearest_one(key: str, nearest: str | None) -> None:
    assert nearest_key(key) == nearest


def test_options_are_read_by_their_constants() -> None:
    keys = set(OPTIONS)
    found: list[str] = []
    for path in [*ENGINE.rglob("*.py"), *RUNNER.rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                key = node.args[0]
                if node.func.attr in ("get", "set") and isinstance(key, ast.Constant) and key.value in keys:
                    found.append(f"{path.name}:{node.lineno}: {key.value}")
    assert found == []


@pytest.mark.parametrize(
    "key", ["fs.s3.key", "fs.s3.secret", "fs.abfs.account_key", "fs.sftp.password", "s3.access-key", "my.api-key"]
)
def test_what_is_secret_is_not_shown(key: str) -> None:
    configuration = Configuration({key: "sesame", "fs.s3.endpoint_url": "http://here"})

    assert "sesame" not in repr(configuration)
    assert "http://here" in repr(configuration)
    assert configuration.get(key) == "sesame"
