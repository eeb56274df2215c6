"""Functions whose code is put into a chain: the same results, the same errors, and no call."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from types import MethodType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import short_functions
from inlined import called, outcome, own
from listed import ListHost, ListOutput
from short_functions import Kept, Plain

from stream_engine.graph import specs
from stream_engine.graph.job_graph import Link, Task
from stream_engine.graph.stream_graph import StreamNode
from stream_engine.local.worker.push_source import SourceGuard
from stream_engine.operators.build import build_operator
from stream_engine.operators.chain import Chain
from stream_engine.operators.definitions import NotInlined, definition_of
from stream_engine.report import full_text, whereabouts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def calls_of(host: ListHost, records: Sequence[Any]) -> set[str]:
    """The functions of short_functions.py that are called for the records, up to the one that fails."""

    def process() -> None:
        with suppress(Exception):
            host.chain.process_batch(records)

    return called(process, short_functions.__file__)


NUMBERS = [1, 2, 3, 4, 5, 6, 7]
MAPS: list[Any] = [
    Plain().map, Plain().count, Plain().branches, Plain().nothing, Plain().at_times, Plain().loop,
    Plain().several_lines, Plain().format, Plain().chained, short_functions.first, short_functions.same,
    short_functions.again, short_functions.positive,
]  # fmt: skip
RECORDS: list[Any] = [NUMBERS, [*NUMBERS, "text"], [2, None], [[1], (2,)], [0, 3]]


@pytest.mark.parametrize("call", MAPS, ids=lambda call: call.__name__)
@pytest.mark.parametrize("records", RECORDS, ids=str)
@pytest.mark.parametrize("kind", [specs.Map, specs.Filter])
def test_an_inlined_function_does_and_fails_as_when_it_is_called(kind: Any, call: Any, records: list[Any]) -> None:
    def fresh() -> Any:
        return getattr(Plain(), call.__name__) if isinstance(call, MethodType) else call

    plain, changed = (ListHost(kind(own(fresh())), specs.Map(own(short_functions.same))) for _ in range(2))
    changed.chain.inline()
    assert outcome(changed, records) == outcome(plain, records)
    assert calls_of(changed, records) == set()


@pytest.mark.parametrize(
    "calls", [("words", None), ("words", "twice"), ("twice", "twice"), ("thrice", "thrice"), ("twice", "thrice")]
)
@pytest.mark.parametrize("records", [["a,b", "b,,a", "c"], ["a", 5, "b"], [1, 3, 9], [4], [3, "x"], [[]]], ids=str)
def test_what_collects_and_what_is_behind_it_do_as_when_they_are_called(
    calls: tuple[str, str | None], records: list[Any]
) -> None:
    def host() -> ListHost:
        functions = [getattr(short_functions, name) for name in calls if name]
        behind = [specs.Filter(own(short_functions.positive)), specs.Map(own(short_functions.same))]
        return ListHost(*(specs.FlatMap(own(each)) for each in functions), *behind)

    plain, changed = host(), host()
    changed.chain.inline()
    assert outcome(changed, records) == outcome(plain, records)
    assert calls_of(changed, records) == set()


@pytest.mark.parametrize("records", [["a,b", "b,,a", "c,a"], ["a", 5]], ids=str)
def test_a_rolling_count_is_one_loop(records: list[Any]) -> None:
    def host() -> ListHost:
        reduce = specs.Reduce(own(short_functions.add))
        return ListHost(specs.FlatMap(own(short_functions.words)), reduce, key=own(short_functions.first))

    plain, changed = host(), host()
    changed.chain.inline()
    assert outcome(changed, records) == outcome(plain, records)
    assert calls_of(changed, records) == set()


@pytest.mark.parametrize("records", [[1, 2], [1, "text"]], ids=str)
def test_what_a_source_pushes_does_and_fails_as_when_functions_are_called(records: list[Any]) -> None:
    def pushed(inlines: bool) -> tuple[list[Any], list[str], set[str]]:
        nodes = [StreamNode(0, specs.Map(own(short_functions.same)), "same")]
        guard, output = SourceGuard(), ListOutput(0)
        guard.source = cast("Any", SimpleNamespace(take=lambda: True, fail=lambda error: None))
        task = Task(0, tuple(nodes), (), 1)
        chain = Chain(task, [build_operator(node, 0, 1, None) for node in nodes], (output,), False, guard=guard)
        collect, texts = chain.entrances["collect"], []
        if inlines:
            chain.inline()

        def push() -> None:
            for record in records:
                try:
                    collect(None, record)
                except TypeError as error:
                    texts.append(re.sub(r"<chain \d+", "<chain", full_text(error)))

        return output.records, texts, called(push, short_functions.__file__)

    plain, changed = pushed(inlines=False), pushed(inlines=True)
    assert changed[:2] == plain[:2]
    assert (plain[2], changed[2]) == ({"<lambda>"}, set())


def test_each_branch_of_a_split_is_inlined() -> None:
    def parity(value: int) -> list[str]:
        return ["even"] if value % 2 == 0 else ["odd"]

    links = (Link(0, 1, ("even",)), Link(0, 2, ("odd",)))
    outputs = ListOutput(1), ListOutput(2)
    maps = [specs.Map(own(Plain().map)), specs.Map(own(short_functions.same))]
    host = ListHost(specs.Split(own(parity)), *maps, links=links, outputs=outputs)
    host.chain.process_batch([1, 2])
    host.chain.inline()
    assert calls_of(host, [3, 4]) == set()
    assert [output.records for output in outputs] == [[4, 8], [2, 4]]


# Without its class and module some source compiles to other code.
ALONE = "its source is not at hand"
REASONS = {
    "calls_itself": "it calls self.helper",
    "recurs": "it calls self.recurs",
    "shadows_builtin": "it calls sum",
    "shadows_builtin_later": "max has no value yet",
    "calls_parameter": "it calls len",
    "sorts_by_key": "it passes a key",
    "calls_global": "it calls first",
    "logs": f"it calls logging.getLogger|{ALONE}",
    "logs_with_local": "it calls log",
    "may_be_unassigned": "found may have no value",
    "unassigned_after_loop": "last may have no value",
    "either": "it returns in the middle",
    "tries": "Try is not inlined",
    "within": "While is not inlined",
    "comprehends": f"ListComp is not inlined|{ALONE}",
    "returns_in_loop": "it returns in the middle",
    "has_default": "it has other parameters",
    "any_number": "any number of arguments",
    "asks_for_locals": "locals is special",
    "uses_super": f"it calls super|{ALONE}",
    "mangled": f"__private is special|{ALONE}",
    "writes_global": "Global is not inlined",
    "decorated": ALONE,
    "makes_function": "a function in it",
    "walks": "NamedExpr is not inlined",
    "calls_what_it_has_made": "it calls call",
    "calls_what_it_has_stored": "it calls value",
    "calls_what_a_loop_has_stored": "it calls value",
}


def test_each_function_that_is_kept_has_a_reason() -> None:
    names = {name for name in vars(Kept) if not name.startswith("_") and name != "helper"}
    assert names == set(REASONS)


@pytest.mark.parametrize("name", REASONS)
def test_a_function_of_which_somebody_could_tell_the_difference_is_kept(name: str) -> None:
    with pytest.raises(NotInlined, match=REASONS[name]):
        definition_of(getattr(Kept(), name), 1)


def test_a_closure_whose_variable_has_no_value_yet_is_kept() -> None:
    with pytest.raises(NotInlined, match="limit has no value yet"):
        definition_of(short_functions.unbound(), 1)


def test_the_truth_of_a_result_is_asked_outside_of_the_function() -> None:
    class Doubtful:
        size = property(lambda self: self)

        def __gt__(self, other: int) -> Doubtful:
            return self

        def __bool__(self) -> bool:
            raise ValueError("ambiguous")

    plain, changed = (ListHost(specs.Filter(own(short_functions.large))) for _ in range(2))
    changed.chain.inline()
    records = [Doubtful()]
    result = outcome(changed, records)
    assert result == outcome(plain, records)
    assert "ambiguous" in result[1]
    assert "in large" not in result[1]


def test_where_a_thread_is_stays_the_line_of_the_function() -> None:
    class Asked:
        def where(self) -> str:
            return whereabouts(sys._getframe(1))

    plain, changed = (ListHost(specs.Map(own(short_functions.asked))) for _ in range(2))
    changed.chain.inline()
    for host in (plain, changed):
        host.chain.process(Asked())
    assert changed.results == plain.results
    assert changed.results[0].rpartition(":")[0] == short_functions.__file__
    assert calls_of(changed, [Asked()]) == set()


@pytest.mark.parametrize("call", [short_functions.partly, len, int, short_functions.with_new_code])
def test_what_is_not_as_its_source_says_is_kept(call: Any) -> None:
    with pytest.raises(NotInlined):
        definition_of(call, 1)


def test_a_file_that_has_been_changed_since_is_not_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "changed_since.py"
    path.write_text("def map(value):\n    return value + 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import changed_since  # pyright: ignore[reportMissingImports]

    path.write_text("def map(value):\n    return value + 2\n")
    with pytest.raises(NotInlined):
        definition_of(changed_since.map, 1)


def test_globals_attributes_and_what_encloses_a_function_are_looked_up_for_each_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = Plain()
    below, change = short_functions.enclosed(5)
    host = ListHost(specs.Filter(own(below)), specs.Map(own(plain.branches)))
    numbers = ListHost(specs.Map(own(plain.map)))
    for each in (host, numbers):
        each.chain.inline()
    host.chain.process_batch([3, 6])
    monkeypatch.setattr(short_functions, "LIMIT", 1)
    change(7)
    host.chain.process_batch([3, 6])
    assert host.results == ["as much", "more", "more"]
    plain.factor = 3
    assert calls_of(numbers, [1]) == set()
    assert numbers.results == [3]


def test_an_object_keeps_what_its_inlined_method_has_set() -> None:
    plain = Plain()
    host = ListHost(specs.Map(own(plain.count)))
    host.chain.process_batch(["a"])
    host.chain.inline()
    host.chain.process_batch(["b", "c"])
    assert host.results == [("a", 1), ("b", 2), ("c", 3)]
    assert plain.seen == 3


def test_a_variable_never_has_the_value_of_an_earlier_record() -> None:
    host = ListHost(specs.Map(own(Kept().may_be_unassigned)))
    host.chain.inline()
    with pytest.raises(UnboundLocalError):
        host.chain.process_batch([1, 2])


def test_whoever_has_the_function_of_a_chain_has_the_new_code_from_then_on() -> None:
    host = ListHost(specs.Map(own(short_functions.same)))
    process = host.chain.process
    host.chain.inline()
    assert called(lambda: process(1), short_functions.__file__) == set()
    assert host.results == [2]


def test_nothing_is_inlined_while_calls_are_watched() -> None:
    host = ListHost(specs.Map(own(short_functions.same)))
    assert "same" not in called(host.chain.inline, short_functions.__file__)
    assert calls_of(host, [1]) == {"<lambda>"}


def test_loops_within_loops_that_python_would_refuse_stay_calls() -> None:
    host = ListHost(*(specs.FlatMap(own(short_functions.words)) for _ in range(25)))
    host.chain.inline()
    with pytest.raises(AttributeError, match="'tuple' object has no attribute 'split'"):
        host.chain.process_batch(["a"])


def test_a_file_too_long_to_be_compiled_meanwhile_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "def map(value):\n    return value + 1\n"
    (tmp_path / "short_file.py").write_text(text)
    (tmp_path / "long_file.py").write_text(text + "# more\n" * 100_000)
    monkeypatch.syspath_prepend(tmp_path)
    import long_file  # pyright: ignore[reportMissingImports]
    import short_file  # pyright: ignore[reportMissingImports]

    assert definition_of(short_file.map, 1).parameters == ("value",)
    with pytest.raises(NotInlined):
        definition_of(long_file.map, 1)
