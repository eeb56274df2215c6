"""What inlined functions do besides their results is the same as when they are called."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from inlined import called, file_outcomes, own
from listed import ListHost

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
    plain, inlined = file_outcomes(tmp_path, text, [specs.Map, specs.Map], ["[pathlib.Path(__file__ + '.txt')]"])
    assert plain[0][0][0] == "['written']"
    assert inlined == plain


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
    plain, inlined = file_outcomes(tmp_path, text, kinds, ["[Record()] * 3"])
    assert plain[0][0][0] == "[0, 0, 0]"
    assert inlined == plain


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings are written to standard error."""

    def show(message: Warning, category: type, file: str, line: int, *_: Any) -> None:
        print(file, line, message, file=sys.stderr)

    monkeypatch.setattr(warnings, "showwarning", show)


@pytest.mark.filterwarnings("default::UserWarning")
@pytest.mark.usefixtures("shown")
def test_a_warning_of_the_caller_behind_a_collector_is_not_shown_again(tmp_path: Path) -> None:
    text = """
        import warnings
        def f0(record, collector): collector.collect(record)
        def f1(record):
            warnings.warn("called", UserWarning, stacklevel=2)
            return record
    """
    plain, inlined = file_outcomes(tmp_path, text, [specs.FlatMap, specs.Map], ["[1]"], before="[1]")
    assert len(plain[1].splitlines()) == 1
    assert inlined == plain


@pytest.mark.filterwarnings("default::UserWarning")
@pytest.mark.usefixtures("shown")
def test_a_warning_that_has_been_shown_is_not_shown_again(tmp_path: Path) -> None:
    text = """
        import warnings
        class Record:
            def __repr__(self): return "record"
            @property
            def old(self):
                warnings.warn("old", UserWarning, stacklevel=2)
                return self
        def f0(record):
            warnings.warn("called", UserWarning)
            return record
        def f1(record):
            return (record,
                    record.old)[0]
    """
    plain, inlined = file_outcomes(tmp_path, text, [specs.Map] * 2, ["[Record()]"], before="[Record()]")
    assert len(plain[1].splitlines()) == 2
    assert inlined == plain


def test_source_that_warns_is_inlined_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "warns.py"
    path.write_text('def map(value):\n    return value is 5, "\\d"\n')
    names: dict[str, Any] = {"__name__": "warns"}
    with pytest.warns(Warning, match="invalid escape|literal"):
        exec(compile(path.read_text(), str(path), "exec"), names)
    filters = warnings.filters[:]
    host = ListHost(specs.Map(own(names["map"])))
    host.chain.inline()
    assert called(lambda: host.chain.process(1), str(path)) == set()
    assert host.results == [(False, "\\d")]
    assert warnings.filters == filters


def test_a_callable_object_is_asked_for_nothing() -> None:
    asked: list[str] = []

    class Answering:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            raise AttributeError(name)

        def __call__(self, value: Any) -> Any:
            return value

        def __repr__(self) -> str:
            asked.append("repr")
            return "answering"

    host = ListHost(specs.Map(own(Answering())))
    asked.clear()
    host.chain.inline()
    assert asked == []
