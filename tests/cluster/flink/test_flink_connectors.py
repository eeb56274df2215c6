"""What a job on a Flink cluster reads from stores and topics, and writes there, is what it is on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from flink_commands import SCRIPTS, FlinkCommand, text_of
from launched import Command
from remote_stores import hdfs_store, s3_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flink_commands import FlinkCluster
    from hdfs_server import Hdfs
    from kafka_broker import Kafka
    from s3 import S3

TEXT = "".join(f"{'abcdefgh'[number % 8]} and {number % 3} more words\n" for number in range(2000))
# Longer than what comes.
OLDER = b"older text\n" * 20_000
KINDS = ("hdfs", "s3", "path", "topic", "topic with checkpoints")

# A module's jobs start Java and Python workers, and their servers, which takes long where the machine is busy.
pytestmark = pytest.mark.timeout(1500)


class Places(NamedTuple):
    """Where the jobs of a command read and write."""

    hdfs: Hdfs
    s3: S3
    kafka: Kafka
    name: str

    def results(self, command: Command, *options: str) -> dict[str, list[str]]:
        """What the jobs write, where there was older text before, by kinds; sorted."""
        stores: list[Any] = [hdfs_store(self.hdfs), s3_store(self.s3)]
        parameters: list[object] = []
        for store in stores:
            for part in ("1", "2"):
                store.put(f"counts/{part}", OLDER)
            parameters += [store.put("text", TEXT.encode()), store.url("counts")]
        path = command.directory / "counts"
        path.mkdir()
        for part in ("1", "2"):
            (path / part).write_bytes(OLDER)
        parameters += [command.write("text", TEXT), path, "-", self.kafka.address, self.name]
        lines = [(number % 2, line) for number, line in enumerate(TEXT.splitlines())]
        self.kafka.produce(self.kafka.create_topic(f"{self.name}-in", 2), [*lines, (0, "END"), (1, "END")])
        for kind in ("plain", "checkpointed"):
            self.kafka.create_topic(f"{self.name}-{kind}", 2)
        own = ["-p", "2", "-D", "fs.s3.key=any", "-D", "fs.s3.secret=any", *(stores[1].options), *options]
        done = command.run(*own, SCRIPTS / "stores.py", "-", *parameters)
        assert done.code == 0, done.err
        topics = [sorted(self.kafka.values(f"{self.name}-{kind}")) for kind in ("plain", "checkpointed")]
        return dict(zip(KINDS, [*(store.lines("counts") for store in stores), text_of(path), *topics], strict=True))


@pytest.fixture(scope="module")
def places(hdfs: Hdfs, s3: S3, kafka: Kafka) -> Callable[[str], Places]:
    return lambda name: Places(hdfs, s3, kafka, name)


@pytest.fixture(scope="module")
def on_flink(
    running_cluster: FlinkCluster, places: Callable[[str], Places], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    command = FlinkCommand(tmp_path_factory.mktemp("flink"), running_cluster)
    try:
        return places("on-flink").results(command, "-D", "execution.checkpointing.max-concurrent-checkpoints=2")
    finally:
        command.kill()
        running_cluster.settle()


@pytest.fixture(scope="module")
def here(places: Callable[[str], Places], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    directory: Path = tmp_path_factory.mktemp("here")
    return places("here").results(Command(directory))


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_or_a_topic_has_the_same_in_the_end(
    kind: str, on_flink: dict[str, list[str]], here: dict[str, list[str]]
) -> None:
    assert len(here[kind]) == 2000 * 5
    assert on_flink[kind] == here[kind]


@pytest.mark.usefixtures("on_flink")
def test_a_key_of_flinks_own_has_its_effect(running_cluster: FlinkCluster) -> None:
    checkpoints = running_cluster.details("checkpointed topics", "/checkpoints/config")

    assert checkpoints["max_concurrent"] == 2
    assert checkpoints["interval"] == 500
