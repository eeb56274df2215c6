"""What inlined functions do besides their results is the same as when they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from inlined import file_outcomes

from stream_engine.graph import specs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_what_a_function_has_opened_is_closed_at_its_end(tmp_path: Path) -> None:
    text = """
        import pathlib
        def f0(path):
            file = path.open("w")
            file.write("written")
            return path
        def f1(path): return path.read_text()
    """
    called, inlined = file_outcomes(tmp_path, text, [specs.Map, specs.Map], ["[pathlib.Path(__file__ + '.txt')]"])
    assert called[0][0][0] == "['written']"
    assert inlined == called


def test_the_variables_of_a_function_are_gone_at_each_of_its_ends(tmp_path: Path) -> None:
    text = """
        class Counted:
            alive = 0
            def __init__(self): Counted.alive += 1
            def __del__(self): Counted.alive -= 1
        class Record:
            seen = False
            def made(self, number): return [Counted() for _ in range(number)]
        def f0(record, collector):
            collector.collect(record)
            for one in record.made(3):
                other = record.made(1)
        def f1(record):
            if record.seen:
                some = record.made(5)
                return True
            else:
                record.seen = True
                record = record.made(2)
                return len(record)
        def f2(record): return Counted.alive
    """
    kinds = [specs.FlatMap, specs.Filter, specs.Map]
    called, inlined = file_outcomes(tmp_path, text, kinds, ["[Record()] * 3"])
    assert called[0][0][0] == "[0, 0, 0]"
    assert inlined == called
