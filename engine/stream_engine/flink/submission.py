"""A FlinkJob as Flink's transformations, made through PyFlink and its Java process."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyflink  # pyright: ignore[reportMissingImports]
from pyflink.common import Row, WatermarkStrategy  # pyright: ignore[reportMissingImports]
from pyflink.common.typeinfo import Types  # pyright: ignore[reportMissingImports]
from pyflink.datastream import StreamExecutionEnvironment, data_stream  # pyright: ignore[reportMissingImports]
from pyflink.datastream.connectors.number_seq import NumberSequenceSource  # pyright: ignore[reportMissingImports]
from pyflink.datastream.data_stream import DataStream, KeyedStream  # pyright: ignore[reportMissingImports]
from pyflink.java_gateway import get_gateway  # pyright: ignore[reportMissingImports]

from stream_engine.flink.elements import Drive, Envelope, pack_element
from stream_engine.flink.function import ELEMENT, TaskFunction, Ticks, side_output

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stream_engine.flink.plan import FlinkJob, Stage
    from stream_engine.flink.shipping import Archive

_BUNDLE_SIZE = "python.fn-execution.bundle.size"
_BUNDLE_TIME = "python.fn-execution.bundle.time"
# Of sources that timers drive: each turn is a bundle, but with a size of 1 Flink would not wait for the next timer.
_TURNS = 4
# Few enough that results come soon, many enough that the cost of a bundle vanishes.
_ELEMENTS, _ELEMENTS_TIME = 64, 100


class JavaJob:
    """A job that was submitted; ``id`` is Flink's. Its reports are read through the Java process."""

    def __init__(self, client: Any, reports: Any) -> None:
        self._client = client
        self._reports = reports
        self.id = str(client.get_job_id())

    def reports(self) -> Iterator[bytes]:
        """Raises what PyFlink makes of the exception of a job that fails."""
        while self._reports.hasNext():
            # PyFlink's own iterator would make a list of signed ints of the bytes.
            yield bytes(self._reports.next().getField(1))

    def close(self) -> None:
        self._reports.close()


def submit(job: FlinkJob, address: str, settings: Mapping[str, str], archive: Archive) -> JavaJob:
    """Submits the job to the cluster at ``address``; its reports are there to be read from then on."""
    env = _environment(address, settings, job)
    env.add_python_archive(archive.path, archive.name)
    env.set_python_executable(archive.python)
    env.set_max_parallelism(job.key_groups)
    reports = _transformations(env, job)
    jvm = get_gateway().jvm
    jvm.org.apache.flink.python.util.PythonConfigUtil.configPythonOperator(
        reports._j_data_stream.getExecutionEnvironment()
    )
    reports._apply_chaining_optimization()
    iterator = reports._j_data_stream.collectAsync()
    return JavaJob(env.execute_async(job.name), iterator)


def _environment(address: str, settings: Mapping[str, str], job: FlinkJob) -> Any:
    """PyFlink's own way to an environment ignores the target of a configuration."""
    jvm = get_gateway().jvm
    host, _, port = address.rpartition(":")
    home = os.path.dirname(str(pyflink.__file__))
    jar = next(name for name in sorted(os.listdir(f"{home}/opt")) if name.startswith("flink-python"))
    configuration = jvm.org.apache.flink.configuration.Configuration()
    values = {
        _BUNDLE_SIZE: str(_ELEMENTS if not job.interval else 100_000),
        _BUNDLE_TIME: str(_ELEMENTS_TIME if not job.interval else min(job.interval, 1_000)),
        **settings,
        "execution.target": "remote",
        "execution.attached": "true",
        "rest.address": host,
        "rest.port": port,
        "pipeline.jars": ";".join(filter(None, (settings.get("pipeline.jars"), f"file://{home}/opt/{jar}"))),
    }
    for key, value in values.items():
        configuration.setString(key, value)
    return StreamExecutionEnvironment(
        jvm.org.apache.flink.streaming.api.environment.StreamExecutionEnvironment(configuration)
    )


def _transformations(env: Any, job: FlinkJob) -> Any:
    """Builds all stages; gives the stream of their reports."""
    jvm = get_gateway().jvm
    keys_of = {width: _keys(width, job.key_groups) for width in {stage.parallelism for stage in job.stages}}
    selector = jvm.org.apache.flink.streaming.api.functions.python.KeyByKeySelector
    key_type = Types.ROW([Types.INT()]).get_java_type_info()
    sides: dict[int, Any] = {}
    reports: list[Any] = []
    for stage in job.stages:
        inputs = _starts(env, stage, keys_of[stage.parallelism])
        if stage.source and job.ticks:
            inputs = inputs.union(_ticks(env, stage, keys_of[stage.parallelism]))
        if stage.inputs:
            inputs = inputs.union(*(sides[exchange] for exchange in stage.inputs))
        # Not key_by() of PyFlink's, which adds a Python operator.
        keyed = KeyedStream(
            inputs._j_data_stream.keyBy(selector(), key_type), Types.PRIMITIVE_ARRAY(Types.BYTE()), inputs
        )
        function = TaskFunction(
            stage.deployment,
            stage.task,
            {exchange: keys_of[width] for exchange, width in stage.outputs.items()},
            driven=stage.source and not job.ticks,
            checkpointed=job.interval > 0,
        )
        with _bundles_of(_TURNS if stage.source and not job.ticks else None):
            out = keyed.process(function, ELEMENT).name(stage.name).set_parallelism(stage.parallelism)
        for exchange in stage.outputs:
            # Not get_side_output() of PyFlink's, which adds a Python operator.
            tag = side_output(exchange).get_java_output_tag()
            sides[exchange] = DataStream(out._j_data_stream.getSideOutput(tag))
        reports.append(out)
    return reports[0].union(*reports[1:]) if len(reports) > 1 else reports[0]


def _starts(env: Any, stage: Stage, keys: list[int]) -> Any:
    """The bounded stream whose end lets event time come to its own."""
    start = pack_element([Envelope(Drive.START, 0, 0, b"")])
    return env.from_collection([Row(key, start) for key in keys], ELEMENT).name(f"Start of {stage.name}")


def _ticks(env: Any, stage: Stage, keys: list[int]) -> Any:
    """What drives a source between barriers, without end: the client ends the job when all subtasks have reported."""
    numbers = env.from_source(
        NumberSequenceSource(0, 2**40), WatermarkStrategy.no_watermarks(), f"Ticks of {stage.name}", Types.LONG()
    )
    with _bundles_of(1):
        return numbers.set_parallelism(1).flat_map(Ticks(keys), ELEMENT).set_parallelism(1).name("at the pace of turns")


def _keys(width: int, groups: int) -> list[int]:
    """A Flink key for each of ``width`` subtasks: one that Flink hashes to that subtask."""
    gateway = get_gateway()
    assign = gateway.jvm.org.apache.flink.runtime.state.KeyGroupRangeAssignment.assignKeyToParallelOperator
    found: dict[int, int] = {}
    number = 0
    while len(found) < width:
        fields = gateway.new_array(gateway.jvm.Object, 1)
        fields[0] = number
        found.setdefault(assign(gateway.jvm.org.apache.flink.types.Row.of(fields), groups, width), number)
        number += 1
    return [found[index] for index in range(width)]


@contextmanager
def _bundles_of(size: int | None) -> Iterator[None]:
    """Operators that are made within have bundles of so many elements; PyFlink itself has one size for all."""
    whole = data_stream.get_j_env_configuration

    def own(j_env: Any) -> Any:
        configuration = get_gateway().jvm.org.apache.flink.configuration.Configuration(whole(j_env))
        configuration.setString(_BUNDLE_SIZE, str(size))
        return configuration

    if size is not None:
        data_stream.get_j_env_configuration = own
    try:
        yield
    finally:
        data_stream.get_j_env_configuration = whole
