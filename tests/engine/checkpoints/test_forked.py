"""Large tables are pickled by a child of the worker, as they were when it was forked."""

from __future__ import annotations

import os
import pickle
import time
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import pytest
from launched import wait_until

from stream_engine.checkpoints.large_tables import encoded_apart, large_tables
from stream_engine.operators.snapshot import OperatorSnapshot, StateError

if TYPE_CHECKING:
    from collections.abc import Iterable


def read(encoded: Iterable[bytes]) -> dict[tuple[str, str], Any]:
    """The tables by the uid of their operator and their name."""
    data = b"".join(encoded)
    file = BytesIO(data)
    found: dict[tuple[str, str], Any] = {}
    while file.tell() < len(data):
        uid, _, name, _ = pickle.load(file)
        # A table of many entries comes in parts.
        found.setdefault((uid, name), {}).update(pickle.load(file))
    return found


def test_a_child_pickles_the_tables_as_they_were_when_it_was_forked() -> None:
    sums, lists = {number: number for number in range(50_000)}, {"a": [1]}
    encoding = encoded_apart({"sum": {"values": sums}, "list": {"windows": lists}}, None)
    sums.clear()
    lists["a"].append(2)
    expected = {("sum", "values"): {number: number for number in range(50_000)}, ("list", "windows"): {"a": [1]}}
    assert read(encoding) == expected
    # And once more for the next checkpoint, of an operator that has come to its end.
    assert read(encoding) == expected


def test_what_cannot_be_pickled_is_told_with_the_operator_it_belongs_to() -> None:
    encoding = encoded_apart({"sum": {"values": {1: Lock()}}}, None)
    for _ in range(2):
        with pytest.raises(StateError, match=r"^'sum': its state cannot be kept .* cannot be pickled \(.*lock"):
            read(encoding)


class Stuck:
    def __reduce__(self) -> Any:
        time.sleep(600)


def children() -> set[str]:
    found = set[str]()
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if f"PPid:\t{os.getpid()}\n" in status.read_text():
                found.add(status.parent.name)
        except OSError:
            pass
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="this system does not tell which children there are")
def test_the_child_of_a_checkpoint_that_is_given_up_is_killed() -> None:
    before = children()
    encoding = encoded_apart({"sum": {"values": {1: Stuck()}}}, None)
    assert len(children() - before) == 1
    del encoding
    assert wait_until(lambda: children() == before)


def test_the_death_of_a_child_is_an_error_that_says_so() -> None:
    class Fatal:
        def __reduce__(self) -> Any:
            os.kill(os.getpid(), 9)

    with pytest.raises(StateError, match="the process that pickles it has ended with -9"):
        read(encoded_apart({"sum": {"values": {1: Fatal()}}}, None))


def test_where_there_can_be_no_child_the_worker_pickles_the_tables_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refuse)
    encoded = encoded_apart({"sum": {"values": {1: 2}}}, None)
    assert read(encoded) == {("sum", "values"): {1: 2}}


def test_only_large_tables_are_worth_a_child() -> None:
    few, many, large = {1: 2}, dict.fromkeys(range(100_000), (1, 2)), {1: "x" * 10_000_000}
    assert large_tables(OperatorSnapshot(keyed={"few": few})) == {}
    assert large_tables(OperatorSnapshot(keyed={"few": few, "many": many})) == {"few": few, "many": many}
    assert large_tables(OperatorSnapshot(keyed={"large": large})) == {"large": large}
