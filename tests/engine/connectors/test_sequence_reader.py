from __future__ import annotations

import pickle
import time

from hypothesis import given
from hypothesis import strategies as st

from stream_engine.connectors.sequence import SequenceReader


def read_all(reader: SequenceReader, limit: int = 7) -> list[int]:
    numbers: list[int] = []
    while (batch := reader.read(limit)) is not None:
        assert 0 < len(batch) <= limit
        numbers.extend(batch)
    return numbers


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 9), st.integers(1, 9))
def test_each_number_comes_exactly_once_over_all_subtasks(start: int, end: int, parallelism: int, limit: int) -> None:
    shares = [read_all(SequenceReader(start, end, subtask, parallelism), limit) for subtask in range(parallelism)]

    assert sorted(number for share in shares for number in share) == list(range(start, end + 1))
    assert all(share == sorted(share) for share in shares)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(st.integers(0, 40), st.integers(1, 4), st.lists(st.integers(1, 9), max_size=5))
def test_a_new_reader_continues_where_a_position_was_taken(end: int, parallelism: int, limits: list[int]) -> None:
    first = SequenceReader(0, end, 0, parallelism)
    before = [number for limit in limits for number in first.read(limit) or []]
    second = SequenceReader(0, end, 0, parallelism)

    second.seek(pickle.loads(pickle.dumps(first.position())))

    count = len(range(0, end + 1, parallelism))
    assert first.progress() == (len(before), count)
    assert second.progress() == (0, count - len(before))
    assert before + read_all(second) == list(range(0, end + 1, parallelism))
    assert second.progress()[0] == second.progress()[1]


@given(st.integers(0, 60), st.integers(1, 4), st.integers(1, 4), st.lists(st.integers(1, 9), max_size=5))
def test_readers_of_another_parallelism_take_over_what_was_left(
    end: int, before: int, after: int, limits: list[int]
) -> None:
    former = [SequenceReader(0, end, subtask, before) for subtask in range(before)]
    numbers = [number for reader, limit in zip(former, limits, strict=False) for number in reader.read(limit) or []]
    positions = [reader.position() for reader in former]
    for subtask in range(after):
        reader = SequenceReader(0, end, subtask, after)
        reader.take_share(positions, subtask, after)
        taken = read_all(reader)
        assert taken == sorted(taken)
        numbers += taken

    assert sorted(numbers) == list(range(end + 1))


@given(st.integers(0, 60), st.lists(st.tuples(st.integers(1, 5), st.lists(st.integers(0, 9), max_size=5)), min_size=2))
def test_a_chain_of_readers_of_any_parallelism_reads_each_integer_once(
    end: int, runs: list[tuple[int, list[int]]]
) -> None:
    numbers: list[int] = []
    positions: list[list[range]] | None = None
    for width, limits in runs:
        readers = [SequenceReader(0, end, subtask, width) for subtask in range(width)]
        for subtask, reader in enumerate(readers):
            if positions is not None:
                reader.take_share(positions, subtask, width)
        for reader, limit in zip(readers, limits, strict=False):
            numbers += reader.read(limit) or []
        positions = [reader.position() for reader in readers]

    assert sorted([*numbers, *(number for each in positions or () for left in each for number in left)]) == list(
        range(end + 1)
    )


def test_shares_do_not_multiply_with_the_number_of_resumes() -> None:
    readers = [SequenceReader(0, 10**12, subtask, 3) for subtask in range(3)]
    for width in (2, 3, 4, 1, 3) * 10:
        positions = [reader.position() for reader in readers]
        readers = [SequenceReader(0, 0, 0, 1) for _ in range(width)]
        for subtask, reader in enumerate(readers):
            reader.take_share(positions, subtask, width)
            reader.read(100 + subtask)

    assert max(len(reader.position()) for reader in readers) < 5


def test_a_start_after_the_end_is_an_empty_sequence() -> None:
    reader = SequenceReader(5, 4, 0, 1)
    assert reader.read(10) is None
    assert reader.progress() == (0, 0)


def test_a_sequence_longer_than_memory_costs_nothing() -> None:
    began = time.process_time()
    reader = SequenceReader(-(10**30), 10**30, 3, 4)

    batch = reader.read(10**9)

    assert batch is not None
    assert len(batch) == 10**9
    assert batch[0] == -(10**30) + 3
    # Far less than so many objects would cost.
    assert time.process_time() - began < 5


def test_a_closed_reader_is_at_its_end() -> None:
    reader = SequenceReader(0, 10, 0, 1)
    reader.read(1)

    reader.close()

    assert reader.read(1) is None
