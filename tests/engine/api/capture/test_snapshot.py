from __future__ import annotations

import subprocess
import sys
import threading
from functools import partial
from typing import Any

import pytest

from stream_engine.api.functions import (
    FilterFunction,
    FlatMapFunction,
    KeySelector,
    MapFunction,
    RichMapFunction,
    SourceFunction,
)
from stream_engine.job import InvalidProgramException

LOCK = threading.Lock()


class Adder(MapFunction):
    def __init__(self, amount: int) -> None:
        self.amount = amount

    def map(self, value: int) -> int:
        return value + self.amount


class Tokenizer(FlatMapFunction):
    def flatMap(self, value: Any, collector: Any) -> None:
        pass


class FilterDestination(FilterFunction):
    def filterDestination(self, value: Any) -> bool:
        return True


class SnakeCase(KeySelector):
    def get_key(self, value: Any) -> Any:
        return value


class TwoArguments(MapFunction):
    def map(self, left: Any, right: Any) -> Any:
        return left


class Locked(MapFunction):
    def __init__(self) -> None:
        self.pools = {"a": [LOCK]}

    def map(self, value: Any) -> Any:
        return value


class Base:
    def __init__(self, name: str) -> None:
        self.base_name = name


class Mixed(SourceFunction, Base):
    def __init__(self, name: str) -> None:
        super().__init__(name)

    def run(self, ctx: Any) -> None:
        ctx.collect(self.base_name)


def functions(env: Any) -> list[Any]:
    return [node.operator.function for node in env.graph.nodes[1:]]


def test_an_object_that_changes_between_two_calls_makes_two_independent_operators(env: Any, words: Any) -> None:
    adder = Adder(1)
    words.map(adder)
    adder.amount = 10
    words.map(adder)
    adder.amount = 100

    assert [function.load().map(0) for function in functions(env)] == [1, 10]
    assert [(function.label, function.method) for function in functions(env)] == [("Adder", "map")] * 2


def test_each_load_gives_an_object_of_its_own(env: Any, words: Any) -> None:
    words.map(Adder(1))
    [function] = functions(env)
    assert function.load() is not function.load()


@pytest.mark.parametrize(
    ("function", "label", "value", "result"),
    [
        (lambda value: value * 2, "<lambda>", 3, 6),
        (str, "str", 3, "3"),
        (len, "len", "abc", 3),
        (partial(pow, 2), "partial", 3, 8),
        (Adder(1).map, "map", 3, 4),
    ],
)
def test_any_callable_is_a_function(env: Any, words: Any, function: Any, label: str, value: Any, result: Any) -> None:
    words.map(function)
    [snapshot] = functions(env)
    assert (snapshot.label, snapshot.method) == (label, None)
    assert snapshot.load()(value) == result


def test_closures_and_local_classes_travel_with_what_they_use(env: Any, words: Any) -> None:
    factor = 3

    class Multiplier(MapFunction):
        def map(self, value: int) -> int:
            return value * factor

    words.map(Multiplier()).map(lambda value: value * factor)
    factor = 4

    first, second = functions(env)
    assert first.load().map(2) == 6
    assert second.load()(2) == 6


def test_base_classes_leave_the_constructor_to_the_users_own(env: Any) -> None:
    env.create_python_source(Mixed("own"))
    assert env.graph.nodes[0].operator.function.load().base_name == "own"


def test_a_class_is_not_an_object_of_it(words: Any) -> None:
    with pytest.raises(InvalidProgramException, match=r"Tokenizer is a class.*write Tokenizer\(\.\.\.\)"):
        words.flat_map(Tokenizer)


def test_a_missing_method_is_reported_with_the_one_that_may_be_meant(words: Any) -> None:
    with pytest.raises(InvalidProgramException, match=r"no method filter\(value\).*filterDestination\(\)"):
        words.filter(FilterDestination())
    with pytest.raises(InvalidProgramException, match=r"no method getKey\(value\).*get_key\(\)"):
        words.key_by(SnakeCase())


@pytest.mark.parametrize("function", [None, 5, "upper", [len]])
def test_what_cannot_be_called_is_refused(words: Any, function: Any) -> None:
    with pytest.raises(InvalidProgramException, match="A MapFunction or a callable is needed"):
        words.map(function)


@pytest.mark.parametrize("function", [TwoArguments(), lambda: None, lambda a, b: a, lambda value, *, key: value])
def test_a_wrong_number_of_parameters_is_refused(words: Any, function: Any) -> None:
    with pytest.raises(InvalidProgramException, match=r"wrong parameters: it is called with \(value\)"):
        words.map(function)


class WithoutSelf(MapFunction):
    def map(value: Any) -> Any:  # pyright: ignore[reportSelfClsParameterName]
        return value


def test_wrong_parameters_are_reported_with_what_may_be_meant(words: Any) -> None:
    with pytest.raises(InvalidProgramException, match=r"TwoArguments\.map\(left, right\).*pass it to flat_map\(\)"):
        words.map(TwoArguments())
    with pytest.raises(InvalidProgramException, match=r"<lambda>\(value\).*collector\.collect\(result\)"):
        words.flat_map(lambda value: [value])
    with pytest.raises(InvalidProgramException, match=r"WithoutSelf\.map\(\).*first parameter must be self"):
        words.map(WithoutSelf())


class Forgetful(KeySelector):
    def getKey(self, value: Any) -> Any:
        value[0]


def forgetful(left: Any, right: Any) -> Any:
    if left:
        left.update(right)
        return


def test_a_function_without_a_return_is_refused_where_its_result_decides(words: Any) -> None:
    with pytest.raises(InvalidProgramException, match=r"Forgetful\.getKey\(value\) has no return"):
        words.key_by(Forgetful())
    with pytest.raises(InvalidProgramException, match=r"forgetful\(value1, value2\) has no return"):
        words.key_by(len).reduce(forgetful)


def test_a_function_that_suspends_is_refused_with_what_to_use_instead(words: Any) -> None:
    def spread(value: Any, collector: Any) -> Any:
        yield value

    async def fetch(value: Any) -> Any:
        return value

    with pytest.raises(InvalidProgramException, match=r"there is yield in it: use collector\.collect\(result\)"):
        words.flat_map(spread)
    with pytest.raises(InvalidProgramException, match="there is async in it: use return"):
        words.map(fetch)


@pytest.mark.parametrize(
    "function", [lambda *values: values, lambda value, extra=1: value, lambda value, *, key=1: value, TwoArguments]
)
def test_parameters_with_defaults_and_any_number_of_them_are_fine(env: Any, words: Any, function: Any) -> None:
    if function is TwoArguments:
        function = lambda value: TwoArguments().map(value, value)  # noqa: E731
    words.map(function)
    assert len(functions(env)) == 1


def test_an_unpicklable_attribute_is_named_at_the_users_line(words: Any) -> None:
    with pytest.raises(InvalidProgramException) as raised:
        words.map(Locked())
    assert str(raised.value).startswith(f"{__file__}:")
    assert "Locked uses self.pools['a'][0], of type _thread.lock" in str(raised.value)
    assert isinstance(raised.value.__cause__, TypeError)


def test_an_unpicklable_variable_is_named(words: Any) -> None:
    connection = threading.Lock()
    holder = Locked()
    with pytest.raises(InvalidProgramException, match=r"<lambda> uses connection, of type _thread.lock"):
        words.map(lambda value: connection)
    with pytest.raises(InvalidProgramException, match=r"<lambda> uses LOCK, of type _thread.lock"):
        words.map(lambda value: [LOCK for _ in range(2)])
    with pytest.raises(InvalidProgramException, match=r"map uses self\.pools\['a'\]\[0\]"):
        words.map(holder.map)
    with pytest.raises(InvalidProgramException, match=r"partial uses argument 1, of type _thread.lock"):
        words.map(partial(print, LOCK))


def test_a_function_cannot_take_the_plan_along(env: Any, words: Any, factory: Any) -> None:
    with pytest.raises(InvalidProgramException, match=r"uses env, of type .*exists only where the plan is built"):
        words.map(lambda value: env.from_elements(value))
    with pytest.raises(InvalidProgramException, match=r"uses words, of type .*exists only where the plan is built"):
        words.map(lambda value: words)
    with pytest.raises(InvalidProgramException, match=r"uses factory, of type .*exists only where the plan is built"):
        words.map(lambda value: factory)


def test_functions_of_main_can_be_loaded_where_main_is_another(tmp_path: Any) -> None:
    writer = tmp_path / "writer.py"
    writer.write_text(
        "import sys\n"
        "from stream_engine.api.functions import MapFunction\n"
        "from stream_engine.api.capture.snapshot import snapshot\n"
        "class Doubler(MapFunction):\n"
        "    def map(self, value):\n"
        "        return value * 2\n"
        "sys.stdout.buffer.write(snapshot(Doubler(), 'map', MapFunction, ('value',)).payload)\n"
    )
    payload = subprocess.run([sys.executable, writer], stdout=subprocess.PIPE, check=True).stdout

    reader = "import pickle, sys; print(pickle.load(sys.stdin.buffer).map(21))"
    read = subprocess.run([sys.executable, "-c", reader], input=payload, stdout=subprocess.PIPE, check=True)
    assert read.stdout.strip() == b"42"


def test_a_module_level_class_travels_by_its_name(env: Any, words: Any) -> None:
    words.map(Adder(1))
    [function] = functions(env)
    assert type(function.load()) is Adder


def test_a_function_that_travels_by_value_keeps_the_name_of_its_file(env: Any, words: Any) -> None:
    def inverse(value: Any) -> Any:
        return [1 / value for _ in range(1)]

    words.map(inverse)
    [function] = functions(env)
    loaded = function.load()
    assert loaded is not inverse
    with pytest.raises(ZeroDivisionError) as raised:
        loaded(0)
    assert {str(entry.path) for entry in raised.traceback} == {__file__}


def test_a_rich_function_has_its_context_from_the_engine_on(env: Any, words: Any) -> None:
    class Opened(RichMapFunction):
        def open(self, config: Any) -> None:
            self.index = self.getRuntimeContext()

        def map(self, value: Any) -> Any:
            return value

    words.map(Opened())
    function = functions(env)[0].load()
    with pytest.raises(RuntimeError, match=r"Opened has no runtime context yet"):
        function.get_runtime_context()
    function.setRuntimeContext("context")
    function.open(None)
    function.close()
    assert function.index == "context"
