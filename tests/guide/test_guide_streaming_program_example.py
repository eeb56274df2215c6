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
    """Sentences after the end of a window are in another one; how many share one is up to the machine."""
    waiting = WORD_COUNT.replace("counter += 1", "counter += 1; wait()").replace(".output()", ".map(told).output()")
    run = guide.run(FIRED + waiting.replace("num_iters=1000", "num_iters=4"), 2)
    assert totals(run) == {"hello": 4, "world": 4}
    assert len(run.records()) > 2


# Lets the source wait until a window has fired.
FIRED = """
import os, time
def told(pair):
    open("fired", "w").close()
    return pair
def wait():
    while not os.path.exists("fired"):
        time.sleep(0.01)
"""
