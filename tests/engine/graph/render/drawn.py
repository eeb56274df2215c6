"""Plans to be drawn, made by the API as scripts make them; their operators have no location."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.api.environment import PythonStreamExecutionEnvironment
from stream_engine.api.time import Time
from stream_engine.configuration import Configuration
from stream_engine.graph.job_graph import job_graph
from stream_engine.graph.render import render

if TYPE_CHECKING:
    from collections.abc import Callable


class Tokenizer:
    def flatMap(self, value: str, collector: Any) -> None:
        for word in value.split():
            collector.collect((1, word))


class Sum:
    def reduce(self, first: Any, second: Any) -> Any:
        return first[0] + second[0], first[1]


class Parity:
    def select(self, value: int) -> str:
        return "odd" if value % 2 else "even"


def word_of(pair: Any) -> Any:
    return pair[1]


def is_positive(value: int) -> bool:
    return value > 0


def is_done(value: int) -> bool:
    return value <= 0


def minus_one(value: int) -> int:
    return value - 1


def word_count(env: Any) -> None:
    env.from_elements("a b a").flat_map(Tokenizer()).key_by(word_of).reduce(Sum()).output()


def windowed(env: Any) -> None:
    words = env.from_elements("a b a").flat_map(Tokenizer())
    words.key_by(word_of).time_window(Time.milliseconds(50)).reduce(Sum()).output()


def split_and_union(env: Any) -> None:
    numbers = env.generate_sequence(1, 9).split(Parity())
    even, odd = numbers.select("even"), numbers.select("odd", "none")
    one = even.map(minus_one).union(odd).broadcast().map(minus_one)
    one.output("all")
    odd.output("odd")


def loop(env: Any) -> None:
    iteration = env.from_elements(1, 2).iterate()
    body = iteration.map(minus_one)
    iteration.close_with(body.filter(is_positive))
    body.filter(is_done).output()


def drawn(plan: Callable[[Any], None], form: str, parallelism: int = 1, name: str = "Job") -> str:
    env = PythonStreamExecutionEnvironment(None, Configuration())  # pyright: ignore[reportArgumentType]
    plan(env)
    for node in env.graph.nodes:
        node.location = None
    return render(job_graph(env.graph, parallelism), name, form)
