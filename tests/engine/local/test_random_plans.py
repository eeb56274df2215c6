"""Plans made at random give what a plain interpreter of them gives, whatever the parallelism of their operators."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import Oracle
from record_functions import (
    add,
    add_in_place,
    increase,
    is_wanted,
    key_of,
    measure,
    names,
    one_tuples,
    ones,
    repeat,
    spoil,
    to_dict,
    to_tuple,
)

if TYPE_CHECKING:
    from launched import Jobs

    from stream_engine.api.environment import PythonStreamExecutionEnvironment
    from stream_engine.api.streams import DataStream

WAYS = {
    "tuples": lambda stream: stream.map(to_tuple),
    "dicts": lambda stream: stream.map(to_dict),
    "increase": lambda stream: stream.map(increase),
    "spoil": lambda stream: stream.map(spoil),
    "repeat": lambda stream: stream.flat_map(repeat),
    "filter": lambda stream: stream.filter(is_wanted),
    "even": lambda stream: stream.split(names).select("even"),
    "large or odd": lambda stream: stream.split(names).select("large", "odd", "none"),
    "rebalance": lambda stream: stream.rebalance(),
    "shuffle": lambda stream: stream.shuffle(),
    "broadcast": lambda stream: stream.broadcast(),
    "rolling": lambda stream: stream.map(ones).key_by(key_of).reduce(add_in_place),
    "rolling tuples": lambda stream: stream.map(one_tuples).key_by(key_of).reduce(add),
    "tumbling": lambda stream: stream.map(ones).key_by(key_of).count_window(3).reduce(add_in_place),
    "sliding": lambda stream: stream.map(ones).key_by(key_of).count_window(3, 2).reduce(add_in_place),
    "apply": lambda stream: stream.map(ones).key_by(key_of).count_window(2).apply(measure),
    "sliding apply": lambda stream: stream.map(one_tuples).key_by(key_of).count_window(4, 1).apply(measure),
}

sources = st.one_of(
    st.tuples(st.just("lists"), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20)), max_size=40)),
    st.tuples(st.just("sequence"), st.integers(1, 60)),
)
steps = st.tuples(
    st.sampled_from(sorted([*WAYS, "union", "union with itself"])),
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from([None, None, 1, 2, 3]),
)


def build(env: PythonStreamExecutionEnvironment, made: list[Any], wanted: list[Any], outputs: list[int]) -> None:
    """``wanted`` steps name their input by its position among the streams so far, modulo their number."""
    streams: list[DataStream] = []
    for kind, content in made:
        if kind == "lists":
            streams.append(env.from_collection([list(pair) for pair in content]))
        else:
            streams.append(env.generate_sequence(1, content))
    for way, position, other, width in wanted:
        stream = streams[position % len(streams)]
        if way == "union":
            stream = stream.union(streams[other % len(streams)])
        elif way == "union with itself":
            stream = stream.union(stream)
        else:
            stream = WAYS[way](stream)
            if width is not None and way not in ("rebalance", "shuffle", "broadcast", "even", "large or odd"):
                stream.set_parallelism(width)
        streams.append(stream)
    for position in {*outputs, len(streams) - 1}:
        streams[position % len(streams)].map(to_tuple).output()


@pytest.mark.timeout(300)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=st.lists(sources, min_size=1, max_size=2),
    wanted=st.lists(steps, max_size=8),
    outputs=st.lists(st.integers(0, 9), max_size=3),
    parallelism=st.integers(1, 3),
    buffer_timeout=st.sampled_from(["100 ms", "0 ms"]),
    backend=st.sampled_from(["hashmap", "rocksdb"] if find_spec("rocksdict") else ["hashmap"]),
)
def test_a_plan_gives_what_it_means(
    jobs: Jobs,
    made: list[Any],
    wanted: list[Any],
    outputs: list[int],
    parallelism: int,
    buffer_timeout: str,
    backend: str,
) -> None:
    env = jobs.environment(parallelism, execution__buffer_timeout=buffer_timeout, state__backend=backend)
    build(env, made, wanted, outputs)
    expected = Oracle(env.graph, parallelism).lines
    assert jobs.lines(env) == expected


@given(order=st.permutations(range(12)), parallelism=st.integers(1, 3))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_records_of_a_key_keep_their_order(jobs: Jobs, order: list[int], parallelism: int) -> None:
    """From one source instance to a keyed operator."""
    env = jobs.environment(parallelism)
    pairs = env.from_collection([(number % 3, [number]) for number in order]).map(tuple).set_parallelism(1)
    pairs.key_by(key_of).reduce(add).filter(lambda pair: len(pair[1]) == 4).output()
    expected = [(key, [number for number in order if number % 3 == key]) for key in range(3)]
    assert jobs.lines(env) == sorted(map(str, expected))
