from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_engine.connectors.collection import CollectionReader


def read_all(reader: CollectionReader, limit: int) -> list[object]:
    records: list[object] = []
    while (batch := reader.read(limit)) is not None:
        assert 0 < len(batch) <= limit
        records.extend(batch)
    return records


def reader_of(*chunks: list[object]) -> CollectionReader:
    return CollectionReader(tuple(pickle.dumps(chunk) for chunk in chunks), sum(map(len, chunks)))


@given(st.lists(st.lists(st.integers(), max_size=5), max_size=5), st.integers(1, 7))
def test_elements_come_in_their_order_over_all_chunks(chunks: list[list[object]], limit: int) -> None:
    reader = reader_of(*chunks)

    assert read_all(reader, limit) == [element for chunk in chunks for element in chunk]
    assert reader.read(limit) is None


@given(st.lists(st.lists(st.integers(), max_size=5), max_size=5), st.lists(st.integers(1, 4)))
def test_a_new_reader_continues_where_a_position_was_taken(chunks: list[list[object]], limits: list[int]) -> None:
    first = reader_of(*chunks)
    before: list[object] = []
    for limit in limits:
        before += first.read(limit) or []
    second = reader_of(*chunks)

    second.seek(pickle.loads(pickle.dumps(first.position())))

    assert second.progress() == first.progress() == (len(before), sum(map(len, chunks)))
    rest = read_all(second, 3)
    assert before + rest == [element for chunk in chunks for element in chunk]
    assert rest == read_all(first, 3)


def test_two_readers_share_no_element() -> None:
    chunks = (pickle.dumps([[1]]),)

    (one,) = CollectionReader(chunks, 1).read(1) or []
    (other,) = CollectionReader(chunks, 1).read(1) or []

    assert one == other == [1]
    assert one is not other


def test_an_element_that_cannot_be_loaded_is_an_error() -> None:
    reader = CollectionReader((b"not a pickle",), 1)

    with pytest.raises(pickle.UnpicklingError):
        reader.read(1)


def test_a_closed_reader_is_at_its_end() -> None:
    reader = reader_of([1, 2], [3])
    reader.read(1)

    reader.close()

    assert reader.read(1) is None


def test_a_collection_that_has_become_shorter_is_not_taken_for_the_one_that_was_read() -> None:
    first = CollectionReader((pickle.dumps([1, 2]), pickle.dumps([3, 4])), 4)
    first.read(2)
    first.read(2)
    for chunks in ((pickle.dumps([1, 2]),), (pickle.dumps([1, 2]), pickle.dumps([3])), ()):
        with pytest.raises(ValueError, match="has become shorter than what had been read of it"):
            CollectionReader(chunks, 4).seek(first.position())
