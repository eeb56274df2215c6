"""Reads the elements of a collection that travelled with the plan."""

from __future__ import annotations

import pickle
from typing import Any


class CollectionReader:
    """The elements of ``chunks``, each a pickled list, ``count`` in all; one chunk is in memory at a time.

    Only one subtask reads.
    """

    def __init__(self, chunks: tuple[bytes, ...], count: int) -> None:
        self._chunks = chunks
        self._count = count
        # Elements of the chunks before the one that is read.
        self._before = 0
        self._next_chunk = 0
        self._records: list[Any] = []
        self._returned = 0

    def read(self, limit: int) -> list[Any] | None:
        """The next elements, at most ``limit``; None at the end. Raises what an element's unpickling raises."""
        while self._returned == len(self._records):
            if self._next_chunk == len(self._chunks):
                return None
            self._load_next_chunk()
        records = self._records[self._returned : self._returned + limit]
        self._returned += len(records)
        return records

    def progress(self) -> tuple[int, int]:
        """How many elements were returned, and how many there are."""
        return self._before + self._returned, self._count

    def position(self) -> tuple[int, int]:
        """How many chunks were begun, and how many elements of the last one were returned."""
        return self._next_chunk, self._returned

    def seek(self, position: tuple[int, int]) -> None:
        """Raises ValueError when the collection is shorter than that."""
        begun, returned = position
        if begun > 0:
            if begun <= len(self._chunks):
                self._before = sum(len(pickle.loads(chunk)) for chunk in self._chunks[: begun - 1])
                self._next_chunk = begun - 1
                self._load_next_chunk()
            if begun > len(self._chunks) or returned > len(self._records):
                raise ValueError("the collection has become shorter than what had been read of it")
            self._returned = returned

    def close(self) -> None:
        self._before += self._returned
        self._records = []
        self._returned = 0
        self._next_chunk = len(self._chunks)

    def _load_next_chunk(self) -> None:
        self._before += self._returned
        self._records = pickle.loads(self._chunks[self._next_chunk])
        self._returned = 0
        self._next_chunk += 1
