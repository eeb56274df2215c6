from __future__ import annotations

import pickle
from datetime import timedelta
from typing import Any

import pytest

from stream_engine.accumulators import AverageAccumulator, DoubleCounter, IntCounter, LongCounter
from stream_engine.api.jdk import Properties
from stream_engine.api.parameters import ParameterTool
from stream_engine.api.serialization import SimpleStringSchema
from stream_engine.api.state import (
    ListStateDescriptor,
    MapStateDescriptor,
    ReducingStateDescriptor,
    ValueStateDescriptor,
)
from stream_engine.api.time import Time, milliseconds_of
from stream_engine.job import InvalidProgramException


@pytest.mark.parametrize(
    ("time", "milliseconds"),
    [
        (Time.milliseconds(5), 5),
        (Time.seconds(5), 5_000),
        (Time.seconds(0.5), 500),
        (Time.minutes(5), 300_000),
        (Time.hours(5), 18_000_000),
        (Time.days(5), 432_000_000),
        (timedelta(seconds=2), 2_000),
        (7, 7),
    ],
)
def test_lengths_of_time_in_ms(time: Any, milliseconds: int) -> None:
    assert milliseconds_of(time) == milliseconds


@pytest.mark.parametrize("count", [-1, 0.0005, "5", None, True])
def test_a_length_of_time_is_a_whole_number_of_ms(count: Any) -> None:
    with pytest.raises(InvalidProgramException):
        Time.seconds(count)


def test_times_are_equal_by_length() -> None:
    assert Time.seconds(60) == Time.minutes(1) != Time.minutes(2)
    assert len({Time.seconds(60), Time.minutes(1)}) == 1
    assert Time.seconds(1).toMilliseconds() == 1000


@pytest.mark.parametrize(
    ("make", "values", "total"),
    [
        (IntCounter, [1, 2, 3, 4], 10),
        (LongCounter, [1, 2, 3, 2**70], 2**70 + 6),
        (DoubleCounter, [0.5, 1, 2, 4], 7.5),
        (AverageAccumulator, [1, 2, 3, 6], 3.0),
    ],
)
def test_accumulators_merge_to_the_whole(make: Any, values: Any, total: Any) -> None:
    left, right = make(), make()
    for value in values[:1]:
        left.add(value)
    for value in values[1:]:
        right.add(value)

    left.merge(pickle.loads(pickle.dumps(right)))

    assert left.getLocalValue() == left.get_local_value() == total
    left.resetLocal()
    assert left.getLocalValue() == 0


def test_state_descriptors_are_plain_data() -> None:
    value = pickle.loads(pickle.dumps(ValueStateDescriptor("count", int, 0)))
    assert (value.name, value.default) == ("count", 0)
    assert ValueStateDescriptor("count", default=5).default == 5
    assert ListStateDescriptor("seen", str).get_name() == "seen"
    assert MapStateDescriptor("by_name", str, int).getName() == "by_name"
    assert ReducingStateDescriptor("largest", max, int).reduce_function is max


def test_parameters_are_read_from_the_command_line() -> None:
    tool = ParameterTool.fromArgs(["--input", "in.txt", "-n", "-5", "--rate", "0.5", "--verbose", "--fast", "TRUE"])

    assert tool.get("input") == tool.getRequired("input") == "in.txt"
    assert (tool.getInt("n"), tool.getFloat("rate"), tool.getBoolean("fast")) == (-5, 0.5, True)
    assert (tool.get("output"), tool.get("output", "-"), tool.getInt("m", 3)) == (None, "-", 3)
    assert tool.has("verbose")
    assert not tool.getBoolean("verbose")
    assert tool.getNumberOfParameters() == 5
    assert tool.toMap()["n"] == "-5"


def test_parameters_become_properties_and_a_configuration() -> None:
    tool = ParameterTool.from_args(["--parallelism.default", "3", "--own", "x"])
    assert tool.getConfiguration().get("parallelism.default") == 3
    assert tool.getProperties().getProperty("own") == "x"
    assert ParameterTool.fromMap({"n": 5}).get_int("n") == 5


@pytest.mark.parametrize("arguments", [["value"], ["--a", "1", "2"], ["-"], ["--"]])
def test_parameters_come_in_pairs(arguments: list[str]) -> None:
    with pytest.raises(ValueError, match="in \\["):
        ParameterTool.fromArgs(arguments)


def test_a_parameter_that_is_needed_is_asked_for() -> None:
    tool = ParameterTool.fromArgs(["--n", "five"])
    with pytest.raises(ValueError, match="--output is missing"):
        tool.getRequired("output")
    with pytest.raises(ValueError, match="--n five"):
        tool.getInt("n")


def test_properties_are_a_dict_with_javas_methods() -> None:
    properties = Properties()
    assert properties.setProperty("group.id", "a") is None
    assert properties.setProperty("group.id", "b") == "a"
    properties.putAll({"other": "c"})

    assert properties.getProperty("group.id") == properties["group.id"] == "b"
    assert properties.getProperty("none", "d") == "d"
    assert properties.containsKey("other")
    assert properties.stringPropertyNames() == {"group.id", "other"}


def test_the_string_schema_goes_both_ways() -> None:
    schema = SimpleStringSchema()
    assert schema.deserialize(schema.serialize("grün")) == "grün"
    assert schema.serialize(5) == b"5"
    assert SimpleStringSchema("latin-1").serialize("ü") == b"\xfc"
    assert not schema.isEndOfStream("quit")


def test_a_time_of_a_unit() -> None:
    from java.util.concurrent import TimeUnit
    from org.apache.flink.streaming.api.windowing.time import Time as module

    assert module.of(5, TimeUnit.SECONDS) == Time.of(5000, TimeUnit.MILLISECONDS) == Time.seconds(5)
    assert Time.of(2_000_000, TimeUnit.NANOSECONDS) == Time.of(2000, TimeUnit.MICROSECONDS) == Time.milliseconds(2)
    assert TimeUnit.DAYS.toMillis(2) == 172_800_000
    with pytest.raises(InvalidProgramException, match="whole number of milliseconds"):
        Time.of(1, TimeUnit.NANOSECONDS)
    with pytest.raises(InvalidProgramException, match=r"such as TimeUnit\.SECONDS, not 'seconds'"):
        Time.of(1, "seconds")  # pyright: ignore[reportArgumentType]
