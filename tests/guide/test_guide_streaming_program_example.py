"""Streaming Program Example: the word count, as the guide has it."""

from __future__ import annotations

from ast import literal_eval
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from programs import WORD_COUNT

if TYPE_CHECKING:
    from guided import Guide, Run


def totals(run: Run) -> Counter[str]:
    found: Counter[str] = Counter()
    for record in run.records():
        count, word = literal_eval(record)
        found[word] += count
    return found


@pytest.mark.parametrize("parallelism", [1, 2, 4])
def test_streaming_program_example_counts_each_word_whatever_its_case(guide: Guide, parallelism: int) -> None:
    assert totals(guide.run(WORD_COUNT, parallelism)) == {"hello": 1000, "world": 1000}


def test_streaming_program_example_counts_in_windows_of_50_milliseconds(guide: Guide) -> None:
    """Sentences over a time of many windows are not all in one; how many share one is up to the machine."""
    slow = WORD_COUNT.replace("counter += 1", "counter += 1; __import__('time').sleep(0.1)")
    run = guide.run(slow.replace("num_iters=1000", "num_iters=4"), 2)
    assert totals(run) == {"hello": 4, "world": 4}
    assert len(run.records()) > 2
