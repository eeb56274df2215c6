"""The advice on methods that another version of Flink has."""

from __future__ import annotations

from typing import Any

import pytest

from stream_engine.api.functions import KeySelector, MapFunction, RichFunction, RichMapFunction
from stream_engine.job import InvalidProgramException


@pytest.fixture
def streams(words: Any) -> dict[str, Any]:
    keyed = words.key_by(len)
    return {"stream": words, "keyed": keyed, "windows": keyed.time_window(5)}


@pytest.mark.parametrize(
    ("kind", "method", "advice"),
    [
        ("stream", "sum", "call key_by(selector), then use reduce(f)"),
        ("stream", "select", "call split(selector) first"),
        ("stream", "process", "use flat_map(f)"),
        ("stream", "apply", "call time_window(size) or count_window(size) of a keyed stream first"),
        ("stream", "windowAll", "call key_by(selector), then use time_window(size)"),
        ("stream", "connect", "use union(other)"),
        ("stream", "time_window", "call key_by(selector) first"),
        ("keyed", "sum", "; use reduce(f), where f(left, right) combines two records into one"),
        ("keyed", "window", "for session windows, write a rich function that keeps each key's last time in its state"),
        ("windows", "maxBy", "use reduce(f)"),
        ("windows", "process", "use apply(f)"),
        ("windows", "output", "call reduce(f) or apply(f) first"),
        ("windows", "map", "call reduce(f) or apply(f) first"),
    ],
)
def test_a_method_that_is_not_there_leads_on(streams: dict[str, Any], kind: str, method: str, advice: str) -> None:
    with pytest.raises(AttributeError) as raised:
        getattr(streams[kind], method)
    assert f"has no attribute {method!r}; " in str(raised.value)
    assert advice in str(raised.value)


def test_a_method_that_is_misspelt_still_gets_advice(streams: dict[str, Any]) -> None:
    with pytest.raises(AttributeError, match=r"did you mean reduce\?$"):
        streams["windows"].redcue  # noqa: B018
    with pytest.raises(AttributeError, match=r"has no attribute '_sum'$"):
        streams["stream"]._sum  # noqa: B018


@pytest.mark.parametrize(("key", "field"), [(0, "value[0]"), ("word", "value.word"), ("a b", "value['a b']")])
def test_a_field_as_a_key_is_shown_as_a_lambda(words: Any, key: Any, field: str) -> None:
    with pytest.raises(InvalidProgramException) as raised:
        words.key_by(key)
    assert str(raised.value).endswith(f"For a field of the records write key_by(lambda value: {field}).")


class OpenedWithoutArgument(RichMapFunction):
    def open(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        pass

    def map(self, value: Any) -> Any:
        return value


class ClosedWithArgument(RichMapFunction):
    def close(self, config: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        pass

    def map(self, value: Any) -> Any:
        return value


class NeverOpened(MapFunction):
    def open(self, config: Any) -> None:
        pass

    def map(self, value: Any) -> Any:
        return value


class OpenedKey(RichFunction, KeySelector):
    def getKey(self, value: Any) -> Any:
        return value

    def open(self, config: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (OpenedWithoutArgument(), r"OpenedWithoutArgument\.open\(\) has the wrong .*: it is called with \(config\)\."),
        (ClosedWithArgument(), r"ClosedWithArgument\.close\(config\) has the wrong .*: it is called with \(\)\."),
    ],
)
def test_wrong_parameters_of_open_and_close_are_told_at_the_call(words: Any, function: Any, message: str) -> None:
    with pytest.raises(InvalidProgramException, match=message):
        words.map(function)


def test_an_open_that_nobody_calls_is_warned_of_at_its_line(words: Any) -> None:
    with pytest.warns(UserWarning, match=r"NeverOpened\.open\(\) .*: derive it from RichMapFunction$") as warned:
        words.map(NeverOpened())
    assert warned[0].filename == __file__
    with pytest.warns(UserWarning, match=r"OpenedKey\.open\(\) is not called, .*: prepare it in __init__$"):
        words.key_by(OpenedKey())
