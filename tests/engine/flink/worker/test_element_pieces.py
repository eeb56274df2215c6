"""No element is too large for Flink, whatever a function prints, returns or collects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fake_flink import FakeCluster
from launched import Jobs

from stream_engine.accumulators import Accumulator
from stream_engine.api.functions import RichMapFunction
from stream_engine.flink.elements import LARGEST, ElementReader, Envelope, pack_element, pack_elements
from stream_engine.flink.executor import FlinkExecutor
from stream_engine.flink.worker.console import printed
from stream_engine.wire.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Callable


def test_an_element_gives_back_its_frames() -> None:
    frames = [
        Envelope(Kind.DATA, 3, 70_000, b"abc"),
        Envelope(Kind.END, 0, 0, b""),
        Envelope(Kind.DATA, 2**31, 1, b"x"),
    ]

    assert list(ElementReader().read(pack_element(frames))) == frames
    assert list(pack_elements(frames)) == [pack_element(frames)]
    assert list(ElementReader().read(b"")) == []
    assert list(pack_elements([])) == []


@pytest.mark.parametrize("size", [LARGEST - 18, LARGEST - 17, LARGEST - 16, LARGEST, 5 * LARGEST])
def test_a_payload_too_large_for_an_element_is_cut_and_joined(size: int) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    frames = [
        Envelope(Kind.CONSOLE, 1, 0, b"before"),
        Envelope(Kind.CONSOLE, 1, 0, payload[:size]),
        Envelope(Kind.LATE, 1, 0, b"after"),
    ]
    reader = ElementReader()
    elements = list(pack_elements(frames))

    assert max(map(len, elements)) <= LARGEST
    assert [frame for element in elements for frame in reader.read(element)] == frames
    assert reader.begun == {}


def test_payloads_of_several_senders_are_joined_apart() -> None:
    frames = [Envelope(Kind.CONSOLE, 1, sender, bytes([sender]) * 3 * LARGEST) for sender in range(2)]
    one, other = (list(pack_elements([frame])) for frame in frames)
    reader = ElementReader()

    found = [frame for pair in zip(one, other, strict=True) for each in pair for frame in reader.read(each)]

    assert found == frames


def wide_lines(env: Any) -> Any:
    return env.generate_sequence(1, 20_000).map(lambda number: f"{number}".zfill(200))


def huge_line(env: Any) -> Any:
    return env.from_elements(1, 2).map(lambda number: str(number) * 3_000_000)


def many_of_one(env: Any) -> Any:
    return env.from_elements(1).flat_map(lambda _, out: [out.collect("x" * 1000) for _ in range(5_000)])


def huge_record(env: Any) -> Any:
    records = env.from_elements(1, 2, 3).map(lambda number: bytes([number]) * 5_000_000)
    return records.rebalance().map(lambda record: (record[0], len(record)))


@pytest.mark.parametrize("crashes", [0, 6])
@pytest.mark.parametrize("plan", [wide_lines, huge_line, many_of_one, huge_record])
def test_what_is_large_arrives_as_what_is_small(
    inline: Jobs, capfd: pytest.CaptureFixture[str], plan: Callable[[Any], Any], crashes: int
) -> None:
    hosted = Jobs(FlinkExecutor(FakeCluster(2, crashes)), capfd)

    def lines(jobs: Jobs, **options: str) -> list[str]:
        env = jobs.environment(2, **options)
        plan(env).output()
        return jobs.lines(env)

    found = lines(hosted, execution__checkpointing__interval="1 s") if crashes else lines(hosted)

    assert found == lines(inline)


class Kept(Accumulator):
    def __init__(self) -> None:
        self.values: list[bytes] = []

    def add(self, value: bytes) -> None:
        self.values.append(value)

    def merge(self, other: Kept) -> None:
        self.values += other.values

    def get_local_value(self) -> list[bytes]:
        return self.values


def test_a_large_accumulator_is_in_the_result(hosted: Jobs) -> None:
    class Keeping(RichMapFunction):
        def open(self, config: Any) -> None:
            self.kept = Kept()
            self.get_runtime_context().add_accumulator("kept", self.kept)

        def map(self, value: Any) -> Any:
            self.kept.add(bytes(3_000_000))
            return value

    env = hosted.environment()
    env.from_elements(1, 2).map(Keeping()).output()
    _, result = hosted.raw_result(env)

    assert [len(each) for each in result.get_accumulator_result("kept")] == [3_000_000] * 2


LONGEST = [0]


def chat(number: int) -> int:
    LONGEST[0] = max(LONGEST[0], printed.waiting)
    printed.add(Kind.ERRORS, "x" * 1000 + "\n")
    return number


def test_what_functions_print_is_handed_on_before_it_is_much(
    hosted: Jobs, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A batch of the source at a time.
    monkeypatch.setattr("stream_engine.flink.worker.host._ELEMENT_SIZE", 10_000)
    env = hosted.environment()
    env.generate_sequence(1, 20_000).map(chat).filter(lambda number: number < 0).output()
    env.execute()

    assert 0 < LONGEST[0] < 20_000_000
    assert printed.waiting == 0
