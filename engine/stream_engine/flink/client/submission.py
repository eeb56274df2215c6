"""A FlinkJob as Flink's transformations, made through PyFlink and its Java process."""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pyflink  # pyright: ignore[reportMissingModuleSource]
from py4j.protocol import Py4JJavaError  # pyright: ignore[reportMissingModuleSource]
from pyflink.common import Row, WatermarkStrategy  # pyright: ignore[reportMissingModuleSource]
from pyflink.common.typeinfo import Types  # pyright: ignore[reportMissingModuleSource]
from pyflink.datastream import StreamExecutionEnvironment  # pyright: ignore[reportMissingModuleSource]
from pyflink.datastream.connectors.number_seq import NumberSequenceSource  # pyright: ignore[reportMissingModuleSource]
from pyflink.datastream.data_stream import DataStream, KeyedStream  # pyright: ignore[reportMissingModuleSource]
from pyflink.java_gateway import get_gateway  # pyright: ignore[reportMissingModuleSource]

from stream_engine.flink.client.java_job import JavaJob, collect_sink, collected
from stream_engine.flink.client.key_groups import key_group, subtask_keys
from stream_engine.flink.client.refusals import BUNDLE_SIZE
from stream_engine.flink.client.rest import PYTHON_JAR
from stream_engine.flink.client.savepoints import LENIENT_KEY, SAVEPOINT_KEY, check_stages
from stream_engine.flink.elements import EARLY, Drive, Envelope, pack_element
from stream_engine.flink.plan import MOST_KEY_GROUPS
from stream_engine.flink.unfinished import Unfinished
from stream_engine.flink.worker.function import ELEMENT, EndCount, TaskFunction, Ticks, side_output
from stream_engine.job import JobExecutionException

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stream_engine.flink.client.shipping import Archive
    from stream_engine.flink.plan import FlinkJob, Stage

# What it says of a Java process that has ended says nothing to people.
logging.getLogger("py4j").addHandler(logging.NullHandler())
logging.getLogger("py4j").propagate = False

_BUNDLE_TIME = "python.fn-execution.bundle.time"
# More than 1: else Flink would not wait for the next timer of a source that timers drive. Few enough that results come
# soon, many enough that the cost of a bundle vanishes.
_ELEMENTS, _ELEMENTS_TIME = 64, 100
# A key whose group tells whether Flink's are those that are known here.
_SAMPLE = 123_456_789


def submit(
    job: FlinkJob,
    address: str,
    settings: Mapping[str, str],
    archive: Archive,
    commit: Callable[[], None],
    attached: bool,
    sends_jar: bool,
) -> JavaJob:
    """Submits the job to the cluster at ``address``; its reports are there to be read if it is ``attached``.

    ``commit`` is called when all is ready. With ``sends_jar`` the Java side of PyFlink goes along: 42 MB.
    """
    env = _environment(address, settings, job, attached, sends_jar)
    env.add_python_archive(archive.path, archive.name)
    env.set_python_executable(archive.python)
    env.set_max_parallelism(job.key_groups)
    _import_messages()
    reports, early, pacers = _transformations(env, job, attached)
    if not (attached or job.ticks):
        reports = _counted(env, reports, job)
    told = collect_sink(early, f"early-{job.id}", "Early reports to the client") if early is not None else None
    iterator = collected(reports, f"reports-{job.id}", "Reports to the client") if attached else None
    jvm = get_gateway().jvm
    if not attached:
        reports._j_data_stream.sinkTo(jvm.org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink())
    jvm.org.apache.flink.python.util.PythonConfigUtil.configPythonOperator(
        reports._j_data_stream.getExecutionEnvironment()
    )
    # Only now: until here, the setting for all would win.
    for pacer in pacers:
        _set_bundles(pacer, 1)
    savepoint = settings.get(SAVEPOINT_KEY)
    if savepoint:
        check_stages(job, savepoint, _stages_of(savepoint), settings.get(LENIENT_KEY) == "true")
    commit()
    return JavaJob(env.execute_async(job.name), iterator, told)


def _environment(address: str, settings: Mapping[str, str], job: FlinkJob, attached: bool, sends_jar: bool) -> Any:
    """PyFlink's own way to an environment ignores the target of a configuration."""
    jvm = get_gateway().jvm
    host, _, port = address.rpartition(":")
    home = os.path.dirname(str(pyflink.__file__))
    jars = [f"file://{home}/opt/{name}" for name in sorted(os.listdir(f"{home}/opt")) if name.startswith(PYTHON_JAR)]
    configuration = jvm.org.apache.flink.configuration.Configuration()
    values = {
        BUNDLE_SIZE: str(_ELEMENTS if not job.checkpointed else 100_000),
        _BUNDLE_TIME: str(_ELEMENTS_TIME if not job.checkpointed else min(job.interval or 1_000, 1_000)),
        **settings,
        # What is there is looked at here: Flink would take what only served the former client for state that is lost.
        LENIENT_KEY: "true",
        "execution.target": "remote",
        "execution.attached": str(attached).lower(),
        "rest.address": host,
        "rest.port": port,
        # Known before the job is there: so one can be cancelled of which it is not known whether it is.
        "$internal.pipeline.job-id": job.id,
        "pipeline.jars": ";".join(filter(None, (settings.get("pipeline.jars"), *(jars if sends_jar else ())))),
    }
    for key, value in values.items():
        configuration.setString(key, value)
    return StreamExecutionEnvironment(
        jvm.org.apache.flink.streaming.api.environment.StreamExecutionEnvironment(configuration)
    )


def _import_messages() -> None:
    """PyFlink's messages to its workers, but not Beam: PyFlink looks for that as well, which takes longer than Java.

    Only workers need to know what it finds.
    """
    beam = "apache_beam"
    known = beam in sys.modules
    if not known:
        sys.modules[beam] = None  # pyright: ignore[reportArgumentType]
        # It would say that it has not found Beam.
        logging.getLogger("pyflink.fn_execution").setLevel(logging.WARNING)
    try:
        import_module("pyflink.fn_execution.flink_fn_execution_pb2")
    finally:
        if not known:
            del sys.modules[beam]


def _transformations(env: Any, job: FlinkJob, attached: bool) -> tuple[Any, Any, list[Any]]:
    """Builds all stages; returns the streams of their reports, of early ones (None: it has none), and of ticks."""
    jvm = get_gateway().jvm
    _check_groups(MOST_KEY_GROUPS)
    keys_of = {width: subtask_keys(width, job.key_groups) for width in {stage.parallelism for stage in job.stages}}
    selector = jvm.org.apache.flink.streaming.api.functions.python.KeyByKeySelector
    key_type = Types.ROW([Types.INT()]).get_java_type_info()
    sides: dict[int, Any] = {}
    reports: list[Any] = []
    early: list[Any] = []
    pacers: list[Any] = []
    for stage in job.stages:
        inputs = _starts(env, stage, keys_of[stage.parallelism], job.id)
        if stage.source and job.ticks:
            pacers.append(_ticks(env, stage, keys_of[stage.parallelism], job.id))
            inputs = inputs.union(pacers[-1])
        if stage.inputs:
            inputs = inputs.union(*(sides[exchange] for exchange in stage.inputs))
        # Not key_by() of PyFlink's, which adds a Python operator.
        keyed = KeyedStream(
            inputs._j_data_stream.keyBy(selector(), key_type), Types.PRIMITIVE_ARRAY(Types.BYTE()), inputs
        )
        keys = {exchange: keys_of[width] for exchange, width in stage.outputs.items()}
        if attached and job.waits_for_checkpoints:
            keys[EARLY] = [0]
        function = TaskFunction(
            stage.deployment,
            stage.task,
            keys,
            driven=stage.source and not job.ticks,
            checkpointed=job.checkpointed,
            attached=attached,
        )
        out = keyed.process(function, ELEMENT).name(stage.name).uid(stage.uid).set_parallelism(stage.parallelism)
        for exchange in keys:
            # Not get_side_output() of PyFlink's, which adds a Python operator.
            tag = side_output(exchange).get_java_output_tag()
            sides[exchange] = DataStream(out._j_data_stream.getSideOutput(tag))
        reports.append(out)
        if EARLY in sides:
            early.append(sides.pop(EARLY))
    return _union(reports), _union(early) if early else None, pacers


def _union(streams: list[Any]) -> Any:
    return streams[0].union(*streams[1:]) if len(streams) > 1 else streams[0]


def _starts(env: Any, stage: Stage, keys: list[int], job_id: str) -> Any:
    """The bounded stream whose end lets event time come to its own. It begins anew when a job resumes."""
    start = pack_element([Envelope(Drive.START, 0, 0, b"")])
    stream = env.from_collection([Row(key, start) for key in keys], ELEMENT).name(f"Start of {stage.name}")
    return stream.uid(f"{job_id} start {stage.task}")


def _ticks(env: Any, stage: Stage, keys: list[int], job_id: str) -> Any:
    """What drives a source between barriers, without end: the client ends the job when all subtasks have reported."""
    numbers = env.from_source(
        NumberSequenceSource(0, 2**40), WatermarkStrategy.no_watermarks(), f"Ticks of {stage.name}", Types.LONG()
    )
    numbers = numbers.uid(f"{job_id} numbers {stage.task}").set_parallelism(1)
    ticks = numbers.flat_map(Ticks(keys), ELEMENT).uid(f"{job_id} ticks {stage.task}")
    return ticks.set_parallelism(1).name("at the pace of turns")


def _counted(env: Any, reports: Any, job: FlinkJob) -> Any:
    """What fails a job that ends without all of its subtasks, as the client does that waits for one."""
    # Its start lets it know of the end of a job that reports nothing at all.
    start = env.from_collection([Row(0, pack_element([Envelope(Drive.START, 0, 0, b"")]))], ELEMENT)
    inputs = start.name("Start of the count").union(reports)
    jvm = get_gateway().jvm
    selector = jvm.org.apache.flink.streaming.api.functions.python.KeyByKeySelector
    key_type = Types.ROW([Types.INT()]).get_java_type_info()
    keyed = KeyedStream(inputs._j_data_stream.keyBy(selector(), key_type), Types.PRIMITIVE_ARRAY(Types.BYTE()), inputs)
    count = keyed.process(EndCount(Unfinished(job.plan)), ELEMENT)
    return count.name("Count of the subtasks that have finished").set_parallelism(1)


def _stages_of(savepoint: str) -> dict[str, str]:
    """The names, by their uids, of the operators that have state in a savepoint. Raises JobExecutionException."""
    gateway = get_gateway()
    jvm = gateway.jvm
    storage = jvm.org.apache.flink.runtime.state.filesystem.AbstractFsCheckpointStorageAccess
    try:
        place = storage.resolveCheckpointPointer(savepoint)
        stream = jvm.java.io.DataInputStream(place.getMetadataHandle().openInputStream())
        try:
            loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
            load = jvm.org.apache.flink.runtime.checkpoint.Checkpoints.loadCheckpointMetadata
            states = load(stream, loader, savepoint).getOperatorStates()
        finally:
            stream.close()
    except Py4JJavaError as error:
        reason = f"The savepoint {savepoint} cannot be read here: {error.java_exception.getMessage()}"
        raise JobExecutionException(reason, "") from error
    found = {}
    for state in states:
        if state.getOperatorUid().isPresent():
            name = state.getOperatorName()
            found[state.getOperatorUid().get()] = name.get() if name.isPresent() else ""
    return found


def _check_groups(groups: int) -> None:
    """Raises JobExecutionException for a Flink that puts keys into other groups than ``key_groups`` says."""
    gateway = get_gateway()
    fields = gateway.new_array(gateway.jvm.Object, 1)
    fields[0] = _SAMPLE
    row = gateway.jvm.org.apache.flink.types.Row.of(fields)
    if gateway.jvm.org.apache.flink.runtime.state.KeyGroupRangeAssignment.assignToKeyGroup(row, groups) != key_group(
        _SAMPLE, groups
    ):
        raise JobExecutionException("This release of apache-flink sends keys elsewhere than is known here.", "")


def _set_bundles(stream: Any, size: int) -> None:
    """Gives the Python operator of a stream bundles of its own size: PyFlink has one for all."""
    operator = stream._j_data_stream.getTransformation().getOperatorFactory().getOperator()
    operator.getConfiguration().setString(BUNDLE_SIZE, str(size))
