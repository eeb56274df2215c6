"""Functions written at random do and fail the same, called or inlined."""

from __future__ import annotations

import itertools
from textwrap import indent
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from inlined import outcome, own
from listed import ListHost

from stream_engine.graph import specs
from stream_engine.operators.definitions import NotInlined, definition_of

if TYPE_CHECKING:
    from pathlib import Path

ATOMS = ["value", "one", "other", "LIMIT", "self.factor", "self.seen", "len", "2", "'a'", "None", "[value, 3]"]
SHAPES = [
    "{}",
    "{} + {}",
    "{} // {}",
    "{} % 3",
    "({},\n {})",
    "[{}][0]",
    "{} < {} <= 4",
    "not {}",
    "{} and {}",
    "{} if {} else 5",
    "len(str({}))",
    "str({}).strip('1')",
    "value.append({})",
    "{}[0]",
    "f'{{{}}} {{{}!r:>3}}'",
]
HEADERS = ["if {}:", "if {}:", "for one in range(3):", "for other in [{}]:", "for one, other in [({}, 1)]:"]
SIMPLE = ["one = {}", "other = {}", "value = {}", "other += {}", "self.seen = {}", "return {}", "{}", "pass", "break"]
SIMPLEST: list[tuple[type, bool, str]] = [
    (specs.Map, False, "return value"),
    (specs.Filter, True, "return 2"),
    (specs.FlatMap, False, "collector.collect(value)"),
]

expressions = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.builds(
        lambda shape, first, second: shape.format(first, second), st.sampled_from(SHAPES), inner, inner
    ),
    max_leaves=4,
)


def statements(simple: list[str]) -> st.SearchStrategy[str]:
    def block(lines: list[str]) -> str:
        return "\n".join(lines)

    line = st.builds(str.format, st.sampled_from(simple), expressions)
    return st.recursive(
        line,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=4).map(block),
            st.builds(
                lambda header, test, then, other: "\n".join(
                    [header.format(test), indent(then, "    "), *(["else:", indent(other, "    ")] if other else [])]
                ),
                st.sampled_from(HEADERS),
                expressions,
                inner,
                st.one_of(st.none(), inner),
            ),
        ),
        max_leaves=6,
    )


def function(kind: type) -> st.SearchStrategy[tuple[type, bool, str]]:
    simple = [*SIMPLE, *["collector.collect({})"] * 3] if kind is specs.FlatMap else [*SIMPLE, "return {}"]
    return st.tuples(st.just(kind), st.booleans(), st.lists(statements(simple), min_size=1, max_size=3).map("\n".join))


functions = st.sampled_from([specs.Map, specs.Filter, specs.FlatMap]).flatmap(function)
items = st.one_of(st.integers(-2, 5), st.text("a1", max_size=2), st.none(), st.lists(st.integers(0, 2), max_size=2))


def written(wanted: list[tuple[type, bool, str]]) -> str:
    lines = ["LIMIT, factor, seen = 3, 4, 5", "class Object:", "    factor, seen = 2, 1"]
    for number, (kind, bound, body) in enumerate(wanted):
        body = f"one, other = value, 2\n{body if bound else body.replace('self.', '')}"
        parameters = ", ".join(["self"] * bound + ["value"] + ["collector"] * (kind is specs.FlatMap))
        text = f"def f{number}({parameters}):\n{indent(body, '    ')}"
        lines.insert(len(lines) if bound else 1, indent(text, "    " * bound))
    return "\n".join(lines)


def host(wanted: list[tuple[type, bool, str]], path: str, text: str, timed: bool) -> tuple[ListHost, list[Any]]:
    names: dict[str, Any] = {"__name__": "random_functions"}
    exec(compile(text, path, "exec", dont_inherit=True), names)
    owner = names["Object"]()
    calls = [
        getattr(owner, f"f{number}") if bound else names[f"f{number}"] for number, (_, bound, _) in enumerate(wanted)
    ]
    operators = [kind(own(call)) for (kind, _, _), call in zip(wanted, calls, strict=True)]
    return ListHost(*operators, timestamped=timed), calls


@pytest.mark.hypothesis
def test_random_functions_do_and_fail_the_same(tmp_path: Path) -> None:
    numbers = itertools.count()
    inlined = 0

    @settings(max_examples=2 * settings().max_examples)
    # These are inlined for sure: how many of those that are drawn can be is a matter of luck.
    @example(wanted=SIMPLEST, records=[1], timed=False)
    @example(wanted=SIMPLEST, records=[1], timed=True)
    @example(wanted=SIMPLEST, records=[None, "a"], timed=False)
    @example(wanted=SIMPLEST, records=[[0, 1]], timed=True)
    @given(
        wanted=st.lists(functions, min_size=1, max_size=3),
        records=st.lists(items, min_size=1, max_size=6),
        timed=st.booleans(),
    )
    def check(wanted: list[tuple[type, bool, str]], records: list[Any], timed: bool) -> None:
        nonlocal inlined
        text = written(wanted)
        path = tmp_path / f"random_functions_{next(numbers)}.py"
        path.write_text(text)
        try:
            called, _ = host(wanted, str(path), text, timed)
        except SyntaxError:
            return
        changed, calls = host(wanted, str(path), text, timed)
        changed.chain.inline()
        inlined += sum(can_be_inlined(kind, call) for (kind, _, _), call in zip(wanted, calls, strict=True))
        copies = [list(each) if isinstance(each, list) else each for each in records]
        if timed:
            records, copies = ([(record, 5) for record in each] for each in (records, copies))
        assert outcome(changed, records) == outcome(called, copies)

    check()
    assert inlined > 10


def can_be_inlined(kind: type, call: Any) -> bool:
    try:
        definition_of(call, 2 if kind is specs.FlatMap else 1)
    except NotInlined:
        return False
    return True
