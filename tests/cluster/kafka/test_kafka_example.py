from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest
from launched import ROOT, Command, finish, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_broker import Kafka

MIDNIGHT = 1767225600


@pytest.mark.parametrize("parallelism", [1, 2])
def test_the_example_writes_hourly_averages(kafka: Kafka, name: str, tmp_path: Path, parallelism: int) -> None:
    # Given two sensors' readings of three hours, each in a partition of its own, some late
    kafka.create_topic(name, 2)
    for partition, sensor in enumerate(("attic", "cellar")):
        readings = [
            {
                "sensor": sensor,
                "time": MIDNIGHT + hour * 3600 + second,
                "celsius": 10 * partition + hour + second / 3600,
            }
            for hour in range(3)
            for second in (30, 0, 1800, 3599)
        ]
        kafka.produce(name, [(partition, json.dumps(reading)) for reading in readings])
    # When the example runs, until the two hours are there that no more readings can come of
    output = tmp_path / "averages"
    options = ("-p", parallelism, "-D", "pipeline.idle-timeout=1 s", ROOT / "examples/sensor_averages.py")
    parameters = ("--brokers", kafka.address, "--topic", name, "--output", output)
    process = Command(tmp_path).start(*options, "-", *parameters)

    def lines() -> list[str]:
        files = [output] if output.is_file() else sorted(output.glob("*"))
        return sorted(line for file in files for line in file.read_text(encoding="utf-8").splitlines())

    try:
        assert wait_until(lambda: len(lines()) == 4 or process.poll() is not None)
    finally:
        process.send_signal(signal.SIGINT)
        done = finish(process)
    # Then each has its average
    assert done.code == 130, done.err
    assert lines() == [
        "attic 2026-01-01T00: 0.38 of 4",
        "attic 2026-01-01T01: 1.38 of 4",
        "cellar 2026-01-01T00: 10.38 of 4",
        "cellar 2026-01-01T01: 11.38 of 4",
    ]
