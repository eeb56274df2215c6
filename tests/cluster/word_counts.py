"""The job that tests of storage run, and what it makes of its text on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from launched import Command
    from remote_stores import Store

WORD_COUNT = """
import os, sys, time

from org.apache.flink.core.fs.FileSystem import WriteMode

INPUT, OUTPUT, GATE = sys.argv[1:]


def words(line, collector):
    # Until the gate is open the job hardly comes to its end, and is not too fast to be killed.
    if GATE and not os.path.exists(GATE):
        time.sleep(0.001 if int(line.split()[0]) < 1500 else 0.5)
    for word in line.split():
        collector.collect((word, 1))


def main(factory):
    env = factory.get_execution_environment()
    text = env.read_text_file(INPUT)
    counts = text.flat_map(words).key_by(lambda pair: pair[0]).reduce(lambda a, b: (a[0], a[1] + b[1]))
    counts.write_as_text(OUTPUT, WriteMode.OVERWRITE)
    env.execute("Word count")
"""
TEXT = "".join(f"{number} {'abcdefgh'[number % 8] * 3} and some more words\n" for number in range(2000)).encode()


def expected(command: Command, script: Path) -> list[str]:
    """What the same job makes of the same text on this machine."""
    (command.directory / "text").write_bytes(TEXT)
    command.output(script, "-", "text", "local-counts", "")
    return sorted((command.directory / "local-counts").read_text().splitlines())


def checkpoints_on(store: Store) -> list[str]:
    return [
        "-D",
        "execution.checkpointing.interval=100 ms",
        "-D",
        f"state.checkpoints.dir={store.url('checkpoints')}",
    ]
