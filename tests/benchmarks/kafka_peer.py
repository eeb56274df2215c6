"""A Kafka of this machine for the benchmarks, with a topic to read."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from peers import Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
TOPIC = "lines"


@contextmanager
def kafka_with(lines: int, directory: Path) -> Iterator[str]:
    """Runs while the context lasts; its address. TOPIC has so many lines of 60 characters, and END. Raises Missing."""
    # The server of the tests, which is none of the peers.
    sys.path.append(str(ROOT / "tests" / "cluster"))
    from kafka_broker import Kafka

    directory.mkdir(exist_ok=True)
    try:
        server = Kafka(directory)
    except pytest.skip.Exception as skipped:
        raise Missing(str(skipped)) from None
    with server:
        server.create_topic(TOPIC)
        server.produce(TOPIC, ((0, f"{number:060}") for number in range(lines)))
        server.produce(TOPIC, [(0, "END")])
        yield server.address
