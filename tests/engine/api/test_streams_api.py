from __future__ import annotations

import os
from typing import Any

import pytest

from stream_engine.api.files import WriteMode
from stream_engine.api.functions import DiscardingSink
from stream_engine.api.serialization import SimpleStringSchema
from stream_engine.api.time import Time
from stream_engine.graph.partitioners import Broadcast, Forward, Hash, Rebalance, Shuffle
from stream_engine.graph.specs import (
    ConsoleSink,
    Filter,
    FlatMap,
    FunctionSink,
    IterationHead,
    Map,
    Reduce,
    SocketSink,
    Split,
    TextFileSink,
)
from stream_engine.graph.stream_graph import StreamEdge, Upstream
from stream_engine.job import InvalidProgramException


class StoringSink:
    def invoke(self, value: Any, context: Any) -> None:
        pass


def first(value: Any) -> Any:
    return value[0]


def same(value: Any) -> Any:
    return value


def add(left: Any, right: Any) -> Any:
    return left + right


def test_record_at_a_time_operators_follow_each_other_in_the_order_of_their_calls(env: Any, words: Any) -> None:
    words.map(same).flat_map(lambda value, collector: collector.collect(value)).filter(bool).output()

    graph = env.graph
    assert [type(node.operator) for node in graph.nodes[1:]] == [Map, FlatMap, Filter, ConsoleSink]
    assert [node.name for node in graph.nodes[1:4]] == ["Map: same", "Flat Map: <lambda>", "Filter: bool"]
    assert graph.edges == [StreamEdge(Upstream(index), index + 1) for index in range(4)]


def test_every_operator_knows_the_line_that_made_it(env: Any, words: Any) -> None:
    words.map(same)
    location = env.graph.nodes[1].location
    assert location.file == __file__
    with open(__file__) as source:
        assert source.readlines()[location.line - 1].strip() == "words.map(same)"


def test_an_operator_of_a_keyed_stream_has_its_key_and_is_partitioned_by_it(env: Any, words: Any) -> None:
    words.key_by(first).reduce(add)

    graph = env.graph
    node = graph.nodes[1]
    assert isinstance(node.operator, Reduce)
    assert node.key is not None
    assert node.key.load()("to") == "t"
    assert graph.edges == [StreamEdge(Upstream(0, Hash(node.key)), 1)]


def test_any_operator_of_a_keyed_stream_is_keyed_and_the_one_after_it_is_not(env: Any, words: Any) -> None:
    words.key_by(first).map(same).map(same)

    keyed, plain = env.graph.nodes[1:]
    assert keyed.key is not None
    assert plain.key is None
    assert env.graph.edges[1] == StreamEdge(Upstream(1), 2)


def test_the_last_key_counts(env: Any, words: Any) -> None:
    words.key_by(first).key_by(len).reduce(add)

    [edge] = env.graph.edges
    assert edge.upstream.partitioner.key.label == "len"
    assert env.graph.nodes[1].key.label == "len"


def test_a_union_has_the_inputs_of_all_its_streams_however_often(env: Any, words: Any) -> None:
    others = env.generate_sequence(1, 3)
    words.union(others, words).map(same)

    assert env.graph.inputs(2) == [StreamEdge(Upstream(node), 2) for node in (0, 1, 0)]


def test_streams_of_two_environments_do_not_meet(factory: Any, words: Any) -> None:
    others = factory.get_execution_environment().from_elements(1)
    with pytest.raises(InvalidProgramException, match="two environments"):
        words.union(others)
    with pytest.raises(InvalidProgramException, match="A stream is needed"):
        words.union([words])


def test_a_selection_names_outputs_of_its_split(env: Any, words: Any) -> None:
    split = words.split(first)
    split.select("t").output()
    split.select("t", "b").output()
    split.output()

    assert isinstance(env.graph.nodes[1].operator, Split)
    assert [edge.upstream for edge in env.graph.outputs(1)] == [
        Upstream(1, None, ("t",)),
        Upstream(1, None, ("t", "b")),
        Upstream(1),
    ]


@pytest.mark.parametrize("names", [(), (1,), (["even", "odd"],)])
def test_a_selection_takes_names(words: Any, names: Any) -> None:
    with pytest.raises(InvalidProgramException, match="takes names of outputs"):
        words.split(first).select(*names)


def test_a_split_is_as_wide_as_what_it_splits(env: Any, words: Any) -> None:
    words.split(first)
    words.map(same).set_parallelism(3).split(first)
    words.map(same).split(first)

    splits = [node for node in env.graph.nodes if isinstance(node.operator, Split)]
    assert [env.graph.parallelisms(2)[node.id] for node in splits] == [1, 3, 2]


SPREADS = [("rebalance", Rebalance()), ("shuffle", Shuffle()), ("broadcast", Broadcast())]


@pytest.mark.parametrize(("spread", "partitioner"), SPREADS)
def test_what_spreads_records_before_a_split_does_so_behind_it(
    env: Any, words: Any, spread: str, partitioner: Any
) -> None:
    split = getattr(words, spread)().split(first)
    split.map(same)
    split.select("t").map(same)
    split.select("t").forward().map(same)

    assert env.graph.edges == [
        StreamEdge(Upstream(0), 1),
        StreamEdge(Upstream(1, partitioner), 2),
        StreamEdge(Upstream(1, partitioner, ("t",)), 3),
        StreamEdge(Upstream(1, Forward(), ("t",)), 4),
    ]


def test_a_forward_before_a_split_holds_on_both_sides_of_it(env: Any, words: Any) -> None:
    words.forward().split(first).map(same)
    assert env.graph.edges == [StreamEdge(Upstream(0, Forward()), 1), StreamEdge(Upstream(1, Forward()), 2)]


def test_keys_before_a_split_tell_where_records_go_behind_it(env: Any, words: Any) -> None:
    words.key_by(first).split(first).select("t").map(same)
    into, out = env.graph.edges
    assert into == StreamEdge(Upstream(0), 1)
    assert out == StreamEdge(Upstream(1, Hash(out.upstream.partitioner.key), ("t",)), 2)
    assert out.upstream.partitioner.key.load()("to") == "t"
    assert [node.key for node in env.graph.nodes] == [None, None, None]


def test_a_split_of_streams_that_travel_differently_keeps_how_each_does(env: Any, words: Any) -> None:
    split = words.broadcast().union(words, words.rebalance(), words.broadcast()).split(first)
    split.map(same)

    splits = [node.id for node in env.graph.nodes if isinstance(node.operator, Split)]
    assert [len(env.graph.inputs(node)) for node in splits] == [2, 1, 1]
    assert [edge.upstream for edge in env.graph.inputs(4)] == [
        Upstream(1, Broadcast()),
        Upstream(2, None),
        Upstream(3, Rebalance()),
    ]
    with pytest.raises(InvalidProgramException, match=r"name\(\) belongs to an operator"):
        split.name("parts")


def test_an_iteration_is_closed_with_what_comes_from_it(env: Any) -> None:
    iteration = env.generate_sequence(1, 9).iterate(5000)
    body = iteration.map(same)
    feedback = body.filter(same)
    assert iteration.close_with(feedback) is feedback
    iteration.close_with(body.split(first).select("again"))

    assert env.graph.nodes[1].operator == IterationHead(5000)
    assert [edge for edge in env.graph.edges if edge.feedback] == [
        StreamEdge(Upstream(3), 1, feedback=True),
        StreamEdge(Upstream(4, None, ("again",)), 1, feedback=True),
    ]


def test_an_iteration_takes_any_length_of_time(env: Any, words: Any) -> None:
    words.iterate()
    words.iterate(Time.seconds(2))
    assert [node.operator for node in env.graph.nodes[1:]] == [IterationHead(0), IterationHead(2000)]


def test_an_iteration_is_not_closed_with_a_foreign_stream_or_itself(words: Any) -> None:
    iteration = words.iterate()
    with pytest.raises(InvalidProgramException, match="this one was not"):
        iteration.close_with(words.map(same))
    with pytest.raises(InvalidProgramException, match="endlessly"):
        iteration.close_with(iteration)


@pytest.mark.parametrize(
    ("spread", "partitioner"),
    [*SPREADS, ("forward", Forward())],
)
def test_records_travel_as_the_script_says(env: Any, words: Any, spread: str, partitioner: Any) -> None:
    getattr(words.union(words), spread)().map(same)
    assert env.graph.edges == [StreamEdge(Upstream(0, partitioner), 1)] * 2


def test_settings_are_those_of_the_operator(env: Any, words: Any) -> None:
    mapped = words.map(same)
    assert mapped.set_parallelism(3).name("identity").uid("id-1") is mapped
    mapped.output().set_parallelism(1).name("shown")

    node, sink = env.graph.nodes[1:]
    assert (node.parallelism, node.name, node.uid) == (3, "identity", "id-1")
    assert (sink.parallelism, sink.name) == (1, "shown")


@pytest.mark.parametrize("setting", [("set_parallelism", 2), ("name", "n"), ("uid", "u")])
def test_settings_need_an_operator(words: Any, setting: Any) -> None:
    method, value = setting
    for stream in (words.union(words), words.key_by(first), words.split(first).select("t"), words.rebalance()):
        with pytest.raises(InvalidProgramException, match=rf"{method}\(\) belongs to an operator"):
            getattr(stream, method)(value)


def test_a_collection_cannot_be_read_in_parallel(env: Any, words: Any) -> None:
    words.set_parallelism(1)
    with pytest.raises(InvalidProgramException, match="cannot be divided"):
        words.set_parallelism(2)
    env.generate_sequence(1, 3).set_parallelism(2)


def test_output_has_an_identifier_or_none(env: Any, words: Any) -> None:
    words.output()
    words.output("words")
    words.print()
    assert [node.operator for node in env.graph.nodes[1:]] == [ConsoleSink(), ConsoleSink("words"), ConsoleSink()]


def test_a_text_file_is_overwritten_only_on_request(env: Any, words: Any) -> None:
    words.write_as_text("out")
    words.write_as_text("file:///out", WriteMode.OVERWRITE)
    words.write_as_text("/out", mode=WriteMode.NO_OVERWRITE)

    assert [node.operator for node in env.graph.nodes[1:]] == [
        TextFileSink(os.path.abspath("out")),
        TextFileSink("file:///out", overwrite=True),
        TextFileSink("/out"),
    ]
    with pytest.raises(InvalidProgramException, match="OVERWRITE"):
        words.write_as_text("out", True)


def test_a_socket_gets_what_the_schema_makes(env: Any, words: Any) -> None:
    words.write_to_socket("localhost", 9999, SimpleStringSchema())

    operator = env.graph.nodes[1].operator
    assert isinstance(operator, SocketSink)
    assert (operator.host, operator.port, operator.schema.method) == ("localhost", 9999, "serialize")
    assert operator.schema.load().serialize("ä") == "ä".encode()


@pytest.mark.parametrize(
    ("sink", "takes_context"),
    [
        (DiscardingSink(), False),
        (StoringSink(), True),
        (print, False),
        (lambda value: None, False),
        (lambda value, out=(): None, False),
        (lambda value, context=None: None, True),
        (lambda value, *more: None, False),
    ],
)
def test_a_sink_function_gets_the_context_when_it_asks_for_it(
    env: Any, words: Any, sink: Any, takes_context: bool
) -> None:
    words.add_sink(sink)
    operator = env.graph.nodes[1].operator
    assert isinstance(operator, FunctionSink)
    assert operator.takes_context is takes_context


def test_what_needs_keys_says_so(words: Any) -> None:
    for method in ("reduce", "time_window", "count_window"):
        with pytest.raises(AttributeError, match=r"call key_by\(selector\) first"):
            getattr(words, method)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("filer", "filter"), ("flatMap", "flat_map"), ("keyby", "key_by"), ("write_as_txt", "write_as_text")],
)
def test_a_misspelt_method_is_reported_with_the_one_that_is_meant(words: Any, written: str, meant: str) -> None:
    with pytest.raises(
        AttributeError, match=rf"'DataStream' object has no attribute '{written}': did you mean {meant}\?"
    ):
        getattr(words, written)


def test_a_name_like_no_other_is_only_reported(env: Any, words: Any) -> None:
    for part in (env, words):
        with pytest.raises(AttributeError, match=r"no attribute 'zzz'$"):
            part.zzz  # noqa: B018
        assert not hasattr(part, "__deepcopy__")


# --- a stream that is used again after execute() ---


def test_a_stream_of_an_earlier_job_brings_along_what_it_comes_from(env: Any, executor: Any) -> None:
    numbers = env.generate_sequence(1, 9)
    keyed = numbers.map(same).set_parallelism(3).key_by(first)
    keyed.reduce(add).output()
    env.execute()
    keyed.filter(bool).output()
    numbers.output()
    env.execute()

    first_job, second_job = (job.graph for job in executor.jobs)
    assert [node.name for node in second_job.nodes] == [
        "Source: 1..9",
        "Map: same",
        "Filter: bool",
        "Sink: output()",
        "Sink: output()",
    ]
    assert [node.id for node in second_job.nodes] == [0, 1, 2, 3, 4]
    assert second_job.nodes[1].parallelism == 3
    assert second_job.nodes[2].key == first_job.nodes[2].key
    assert [(edge.upstream.node, edge.target) for edge in second_job.edges] == [(0, 1), (1, 2), (2, 3), (0, 4)]


def test_a_loop_is_brought_along_whole(env: Any, executor: Any) -> None:
    iteration = env.generate_sequence(1, 9).iterate()
    body = iteration.map(same)
    iteration.close_with(body.filter(bool))
    env.execute()
    body.output()
    env.execute()

    graph = executor.jobs[1].graph
    assert [node.name for node in graph.nodes] == [
        "Source: 1..9",
        "Iteration",
        "Map: same",
        "Filter: bool",
        "Sink: output()",
    ]
    assert [edge for edge in graph.edges if edge.feedback] == [StreamEdge(Upstream(3), 1, feedback=True)]


def test_an_iterator_cannot_be_read_by_two_jobs(env: Any) -> None:
    stream = env.from_collection(iter([1, 2]))
    stream.output()
    env.execute()
    with pytest.raises(InvalidProgramException, match="has read to its end"):
        stream.output()
