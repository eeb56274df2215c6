"""How exceptions are reported to the author of a script."""

from __future__ import annotations

import builtins
import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from stream_engine import report
from stream_engine.api.jdk import NoSuchElementException
from stream_engine.failures.failure import Failure, lines_of_frames, text_of
from stream_engine.job import InvalidProgramException
from stream_engine.report import failure_of, one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Callable


def error_of(function: Callable[[], Any]) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        function()
    return caught.value


def told(error: BaseException) -> list[str]:
    """The lines that people read."""
    return str(failure_of(error)).split("\n")


def raised(error: BaseException) -> list[str]:
    return str(Failure(report.raised(error))).split("\n")


def frames(error: BaseException) -> list[str]:
    return text_of(lines_of_frames(report.frames(error.__traceback__))).split("\n")


def test_what_was_raised_comes_first() -> None:
    def divide() -> float:
        return 1 / 0

    first, *rest = told(error_of(divide))
    assert first == "ZeroDivisionError: division by zero"
    assert any(line.endswith("in divide") for line in rest)
    assert "    return 1 / 0" in rest


def test_a_text_of_several_lines_stays_whole() -> None:
    assert raised(ValueError("one\ntwo")) == ["ValueError: one", "two"]
    assert raised(ValueError()) == ["ValueError"]


def test_an_exception_that_cannot_be_shown_is_still_told() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    [line] = raised(Mute())
    assert "Mute: <" in line


def test_of_a_syntax_error_the_line_comes_after_what_is_wrong() -> None:
    first, place, source, *_ = raised(error_of(lambda: compile("x = = 1", "script.py", "exec")))
    assert first.startswith("SyntaxError: ")
    assert (place, source) == ('  File "script.py", line 1', "    x = = 1")


def test_what_the_engine_refuses_needs_no_class() -> None:
    assert raised(InvalidProgramException("s.py:3: A port is a number.")) == ["s.py:3: A port is a number."]


def test_an_exception_that_scripts_raise_is_theirs() -> None:
    assert raised(NoSuchElementException("the queue is empty")) == [
        "java.util.NoSuchElementException: the queue is empty"
    ]


def test_a_recursion_is_told_once() -> None:
    def down(depth: int) -> int:
        return down(depth - 1) if depth else 1 // 0

    lines = frames(error_of(lambda: down(200)))
    assert len(lines) < 40
    assert any("Previous line repeated" in line for line in lines)


def test_of_many_frames_the_first_and_the_last_are_told() -> None:
    def even(depth: int) -> int:
        return odd(depth - 1) if depth else 1 // 0

    def odd(depth: int) -> int:
        return even(depth - 1)

    lines = frames(error_of(lambda: even(200)))
    places = [line for line in lines if line.startswith("  File ")]
    assert len(places) == 10
    assert [line for line in lines if "more ..." in line] == ["  ... 193 more ..."]
    assert places[-1].endswith("in even")


def test_a_library_that_the_script_calls_is_shown() -> None:
    lines = frames(error_of(lambda: json.loads("{")))
    assert lines[0].endswith("in <lambda>") or "test_report" in lines[0]
    assert any("json" in line and "decoder.py" in line for line in lines)


def test_a_library_that_the_engine_calls_is_not_shown() -> None:
    engine = {"__name__": "stream_engine.somewhere", "json": json}
    exec("def call(function): return function(), json.loads('{')", engine)

    def users() -> None:
        raise KeyError("mine")

    places = [line for line in frames(error_of(lambda: engine["call"](int))) if line.startswith("  File ")]
    assert [place.rpartition(" in ")[2] for place in places] == ["error_of", "<lambda>"]
    lines = frames(error_of(lambda: engine["call"](users)))
    assert any(line.endswith("in users") for line in lines)
    assert "somewhere" not in "".join(lines)


def test_causes_are_told_in_their_order() -> None:
    def chain() -> None:
        try:
            try:
                raise KeyError("first")
            except KeyError:
                raise ValueError("second")  # noqa: B904
        except ValueError as error:
            raise RuntimeError("third") from error

    headings = [line for line in told(error_of(chain)) if not line.startswith(" ")]
    assert headings == [
        "RuntimeError: third",
        "caused by ValueError: second",
        "raised while handling KeyError: 'first'",
    ]


def test_a_context_that_was_set_aside_is_not_told() -> None:
    def chain() -> None:
        try:
            raise KeyError("first")
        except KeyError:
            raise ValueError("second") from None

    assert report.behind(error_of(chain)) == ()


def circle(links: int) -> BaseException:
    """Exceptions of which each is the cause of the next, and the last that of the first."""
    errors: list[BaseException] = [ValueError(number) for number in range(links)]
    for error, cause in zip(errors, [*errors[1:], errors[0]], strict=True):
        error.__cause__ = cause
    return errors[0]


@pytest.mark.parametrize("links", [1, 2, 3])
def test_a_circle_of_causes_is_told_once(links: int) -> None:
    expected = ["ValueError: 0", *(f"caused by ValueError: {number}" for number in range(1, links))]
    assert told(circle(links)) == expected


def test_a_circle_of_contexts_is_told_once() -> None:
    first, second = ValueError("first"), KeyError("second")
    first.__context__, second.__context__ = second, first
    assert told(first) == ["ValueError: first", "raised while handling KeyError: 'second'"]


def test_of_a_long_chain_the_first_and_the_last_are_told_each_asked_once() -> None:
    asked: list[int] = []

    class Link(Exception):
        def __str__(self) -> str:
            asked.append(self.args[0])
            return str(self.args[0])

    first = error = Link(0)
    for number in range(1, 1000):
        error.__cause__ = error = Link(number)
    headings = told(first)
    numbers = [int(heading.rpartition(" ")[2]) for heading in headings if "more" not in heading]
    assert numbers == asked == [*range(7), *range(996, 1000)]
    assert headings[7] == "... 989 more exceptions ..."


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there are no groups")
def test_exceptions_in_groups_in_groups_are_told_in_their_order() -> None:
    group: Any = getattr(builtins, "ExceptionGroup")  # noqa: B009
    inner = group("inner", [KeyError("b"), KeyError("c")])
    inner.__cause__ = OSError("d")
    outer = group("outer", [KeyError("a"), inner])
    inner.exceptions[0].__context__ = outer
    assert told(outer) == [
        "ExceptionGroup: outer (2 sub-exceptions)",
        "one of them: KeyError: 'a'",
        "one of them: ExceptionGroup: inner (2 sub-exceptions)",
        "one of them: KeyError: 'b'",
        "one of them: KeyError: 'c'",
        "caused by OSError: d",
    ]
    deep: BaseException = ValueError("deepest")
    for _ in range(3000):
        deep = group("group", [deep])
    assert told(deep)[-1] == "one of them: ValueError: deepest"


def test_attributes_of_a_script_named_as_those_of_python_are_not_believed() -> None:
    class Rejected(Exception):
        exceptions = ("a", "b")
        __cause__ = property(lambda self: 1 / 0)  # pyright: ignore[reportAssignmentType]
        __context__ = 5  # pyright: ignore[reportAssignmentType]

        def __len__(self) -> int:
            return 0

    outer = ValueError("outer")
    outer.__cause__ = Rejected("inner")
    assert told(outer)[0] == "ValueError: outer"
    assert told(outer)[1].endswith("Rejected: inner")
    assert len(told(outer)) == 2


@pytest.mark.parametrize(
    ("record", "shown"),
    [("a" * 1000, 200), (list(range(1000)), 40), ({"key": "b" * 5000}, 250), (SimpleNamespace(text="c" * 999), 200)],
)
def test_records_are_shown_in_bearable_length(record: Any, shown: int) -> None:
    assert len(shortened(record)) <= shown


def test_a_record_is_shown_in_one_line() -> None:
    class Lines:
        def __repr__(self) -> str:
            return "one\ntwo"

    broken = type("list", (), {})()
    assert shortened(Lines()) == "one\\ntwo"
    assert shortened(broken) == "<list, whose repr raises TypeError>"


def test_names_cannot_command_the_terminal() -> None:
    assert one_line("a\x1b[2Jb\nc\x9b0m") == "a [2Jb c 0m"
    assert one_line("safe\u202e\u2066reversed\u2028") == "safe reversed"


class Counter:
    def __init__(self) -> None:
        self.count = 0


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("counter.cuont", "AttributeError: 'Counter' object has no attribute 'cuont'. Did you mean: 'count'?"),
        ("json.laods", "AttributeError: module 'json' has no attribute 'laods'. Did you mean: 'loads'?"),
        ("cuonter", "NameError: name 'cuonter' is not defined. Did you mean: 'counter'?"),
        ("counter.quite_another", "AttributeError: 'Counter' object has no attribute 'quite_another'"),
    ],
)
def test_a_misspelt_name_leads_to_the_one_that_is_meant(code: str, text: str) -> None:
    def use() -> None:
        exec(compile(code, __file__, "exec"), {"counter": Counter(), "json": json})

    assert raised(error_of(use))[0] == text


def test_a_misspelt_import_leads_to_the_name_that_is_meant() -> None:
    def use() -> None:
        exec("from org.apache.flink.streaming.api.windowing.time.Time import miliseconds")

    assert raised(error_of(use))[0].endswith(". Did you mean: 'milliseconds'?")


def test_an_object_that_cannot_list_its_names_does_not_hide_the_error() -> None:
    class Mute(Counter):
        def __dir__(self) -> list[str]:
            raise RuntimeError

    first = raised(error_of(lambda: Mute().cuont))[0]  # pyright: ignore[reportAttributeAccessIssue]
    assert first == "AttributeError: 'Mute' object has no attribute 'cuont'"
