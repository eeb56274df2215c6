from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

import stream_engine
import stream_engine.api

ENGINE = Path(stream_engine.__file__).parents[1]

OF_THE_GUIDE = """
from org.apache.flink.streaming.api.functions.source import SourceFunction
from org.apache.flink.api.common.functions import FlatMapFunction, ReduceFunction
from org.apache.flink.api.java.functions import KeySelector
from org.apache.flink.streaming.api.windowing.time.Time import milliseconds
from org.apache.flink.core.fs.FileSystem import WriteMode
from org.apache.flink.api.common.functions import MapFunction, FilterFunction, RichFilterFunction, RichMapFunction
from org.apache.flink.streaming.api.collector.selector import OutputSelector
from org.apache.flink.streaming.api.functions.windowing import WindowFunction
"""

OF_OLDER_SCRIPTS = """
from java.util import NoSuchElementException
from java.util import Properties
from java.util.concurrent import TimeUnit
from org.apache.flink.metrics import Counter, Gauge
from org.apache.flink.api.common.functions import AggregateFunction
from org.apache.flink.api.common.state import AggregatingStateDescriptor
from org.apache.flink.api.common import InvalidProgramException, JobExecutionResult
from org.apache.flink.api.common.accumulators import IntCounter
from org.apache.flink.api.common.restartstrategy import RestartStrategies
from org.apache.flink.api.common.serialization import SimpleStringSchema
from org.apache.flink.api.common.state import ListStateDescriptor, MapStateDescriptor, ValueStateDescriptor
from org.apache.flink.api.common.time import Time
from org.apache.flink.formats.json import JsonNodeDeserializationSchema
from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumer, FlinkKafkaConsumer010, FlinkKafkaConsumer011
from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumer08, FlinkKafkaConsumer09
from org.apache.flink.streaming.connectors.kafka import FlinkKafkaProducer, FlinkKafkaProducer010, FlinkKafkaProducer011
from org.apache.flink.streaming.connectors.kafka import FlinkKafkaProducer08, FlinkKafkaProducer09
from org.apache.flink.streaming.connectors.kafka import KafkaDeserializationSchema, KafkaSerializationSchema
from org.apache.flink.streaming.connectors.kafka.internals import KafkaTopicPartition
from org.apache.flink.streaming.connectors.kafka.partitioner import FlinkFixedPartitioner, FlinkKafkaPartitioner
from org.apache.flink.streaming.python.connectors import PythonFlinkKafkaConsumer09, PythonFlinkKafkaProducer09
from org.apache.flink.streaming.python.connectors import PythonFlinkKafkaConsumer010, PythonFlinkKafkaProducer010
from org.apache.flink.streaming.python.connectors import PythonFlinkKafkaConsumer011, PythonFlinkKafkaProducer011
from org.apache.flink.streaming.util.serialization import JSONDeserializationSchema, JSONKeyValueDeserializationSchema
from org.apache.flink.streaming.util.serialization import KeyedDeserializationSchema, KeyedSerializationSchema
from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumerBase, FlinkKafkaProducerBase
from org.apache.flink.streaming.connectors.kafka.internals import KeyedSerializationSchemaWrapper
from org.apache.kafka.clients.producer import ProducerRecord
from org.apache.flink.api.java.utils import ParameterTool
from org.apache.flink.configuration import Configuration
from org.apache.flink.runtime.client import JobExecutionException
from org.apache.flink.streaming.api import CheckpointingMode, TimeCharacteristic
from org.apache.flink.streaming.api.datastream import DataStream
from org.apache.flink.streaming.api.environment import CheckpointConfig
from org.apache.flink.streaming.api.functions import AssignerWithPeriodicWatermarks
from org.apache.flink.streaming.api.functions.sink import DiscardingSink, RichSinkFunction, SinkFunction
from org.apache.flink.streaming.api.functions.timestamps import BoundedOutOfOrdernessTimestampExtractor
from org.apache.flink.streaming.api.watermark import Watermark
from org.apache.flink.streaming.api.windowing.time import Time
from org.apache.flink.streaming.api.windowing.time.Time import days, hours, milliseconds, minutes, seconds
from org.apache.flink.streaming.api.windowing.windows import TimeWindow
from org.apache.flink.streaming.python.api.datastream import PythonDataStream
from org.apache.flink.streaming.python.api.environment import PythonStreamExecutionEnvironment
from org.apache.flink.streaming.python.util import PythonIterator
from org.apache.flink.streaming.util.serialization import DeserializationSchema, SerializationSchema
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("line", lines(OF_THE_GUIDE) + lines(OF_OLDER_SCRIPTS))
def test_imports_of_the_guide_and_of_older_scripts_work(line: str) -> None:
    names: dict[str, object] = {}
    exec(line, names)
    imported = line.partition(" import ")[2].split(", ")
    assert all(names[name] is not None for name in imported)


def test_a_jar_on_the_path_does_no_harm(tmp_path: Path) -> None:
    # Given the jar of a connector, as scripts of Jython's time had to name it
    jar = tmp_path / "connector.jar"
    with ZipFile(jar, "w") as archive:
        for name in ("FlinkKafkaConsumer09.class", "internals/KafkaTopicPartition.class"):
            archive.writestr(f"org/apache/flink/streaming/connectors/kafka/{name}", b"\xca\xfe\xba\xbe")
    # When a script puts it on its path, and another that is not there
    script = (
        f"import sys\nsys.path.append({str(jar)!r})\nsys.path.insert(0, '/none.jar')\n"
        "from org.apache.flink.streaming.connectors.kafka import FlinkKafkaConsumer09 as first\n"
        "from org.apache.flink.streaming.connectors.kafka.internals import KafkaTopicPartition as second\n"
        "print(first.__module__, second.__module__)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": str(ENGINE)}, stdout=-1, check=True)
    # Then the classes are those of this project
    assert run.stdout == b"stream_engine.api.kafka stream_engine.api.kafka_schemas\n"


def test_time_is_a_module_and_has_its_functions_as_a_class_would() -> None:
    from org.apache.flink.streaming.api.windowing.time import Time
    from org.apache.flink.streaming.api.windowing.time.Time import seconds

    assert Time.seconds(5) == seconds(5)
    assert seconds(5).to_milliseconds() == 5000


def test_the_write_mode_is_reached_through_its_class() -> None:
    from org.apache.flink.core.fs import FileSystem
    from org.apache.flink.core.fs.FileSystem import WriteMode

    assert FileSystem.WriteMode.OVERWRITE is WriteMode.OVERWRITE


@pytest.mark.parametrize(
    "module",
    sorted(str(path.relative_to(ENGINE)) for tree in ("org", "java") for path in (ENGINE / tree).rglob("*.py")),
)
def test_every_module_with_a_foreign_name_exports_what_it_says(module: str) -> None:
    name = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    loaded = importlib.import_module(name)
    assert loaded.__all__
    assert all(hasattr(loaded, exported) for exported in loaded.__all__)


def test_org_is_shared_with_other_distributions(tmp_path: Path) -> None:
    # Given a distribution with an org package of its own, and one that adds to org.apache
    for package in ("org/example", "org/apache/other"):
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "__init__.py").write_text("value = 5\n")

    # When all of them are imported
    script = (
        "from org.apache.flink.api.common.functions import MapFunction\n"
        "from org.example import value as first\nfrom org.apache.other import value as second\nprint(first + second)\n"
    )
    environment = {"PYTHONPATH": f"{tmp_path}:{ENGINE}"}
    run = subprocess.run([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, check=True)

    # Then each is found
    assert run.stdout == b"10\n"


def test_a_users_own_java_module_is_found_first(tmp_path: Path) -> None:
    (tmp_path / "scala.py").write_text("value = 5\n")
    (tmp_path / "java").mkdir()
    (tmp_path / "java" / "lang.py").write_text("value = 6\n")
    script = (
        "import stream_engine.api, scala\nfrom java.lang import value\nfrom java.util import Properties\n"
        "print(scala.value + value)\n"
    )
    environment = {"PYTHONPATH": f"{tmp_path}:{ENGINE}"}
    run = subprocess.run([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, check=True)
    assert run.stdout == b"11\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "from java.lang import Thread",
            r"^java\.lang\.Thread is not there, as native Python has no JVM: use the threading module\.$",
        ),
        (
            "from org.apache.flink.api.common.functions import MapFunktion",
            r"^org\.apache\.flink\.api\.common\.functions has no MapFunktion: did you mean MapFunction\?$",
        ),
        (
            "from org.apache.flink.api.common.functions import FlatJoinFunction",
            r"FlatJoinFunction is not there: use the operations",
        ),
        ("import java.util.ArrayList", r"^java\.util\.ArrayList .* use a list\.$"),
        ("from java.util import UUID", r"^java\.util\.UUID .* use the uuid module\.$"),
        ("from javax.swing import JFrame", r"^javax\.swing\.JFrame "),
        ("from scala.collection import Seq", r"^scala\.collection\.Seq "),
        (
            "from org.apache.flink.api.java.tuple import Tuple2",
            r"^org\.apache\.flink\.api\.java\.tuple\.Tuple2 .*tuple",
        ),
        (
            "from org.apache.flink.streaming.connectors.rabbitmq import RMQSource",
            r"^org\.apache\.flink\.streaming\.connectors\.rabbitmq\.RMQSource .* a SourceFunction",
        ),
        (
            "from org.apache.flink.api.common.functions import JoinFunction",
            r"functions\.JoinFunction is not there: use the operations that streams have here; engine/README\.md lists",
        ),
        (
            "from org.apache.flink.api.common import ExecutionConfig",
            r"common\.ExecutionConfig .*: use the operations that",
        ),
        (
            "from org.apache.flink.streaming.api.functions import ProcessFunction",
            r": use a rich function, which may keep",
        ),
        ("from org.apache.flink.streaming.api.functions.co import CoMapFunction", r": use the union of both streams"),
        ("from org.slf4j import LoggerFactory", r"^org\.slf4j\.LoggerFactory .*: use the logging module\.$"),
        (
            "from org.apache.flink.api.common.function import MapFunction",
            r"import it from org\.apache\.flink\.api\.common\.functions\.$",
        ),
        (
            "from org.apache.flink.api.common.functions import KeySelector",
            r"\.functions has no KeySelector: import it from org\.apache\.flink\.api\.java\.functions\.$",
        ),
        (
            "from org.apache.flink.streaming.api.windowing.assigners import EventTimeSessionWindows",
            r"EventTimeSessionWindows is not there: for session windows, write a rich function that keeps ",
        ),
        (
            "from org.apache.flink.streaming.api.TimeCharacteristic import EventTime",
            (
                r"^org\S+\.TimeCharacteristic is a class, not a module: write from org\.apache\.flink\.streaming\.api "
                r"import TimeCharacteristic, then TimeCharacteristic\.NAME\.$"
            ),
        ),
        ("from java.util import ArrayLis", r"^java\.util\.ArrayLis is not there, as native Python has no JVM: use "),
    ],
)
def test_a_class_that_is_not_there_is_named_with_what_to_use_instead(line: str, message: str) -> None:
    with pytest.raises(ImportError, match=message):
        exec(line, {})


def test_a_class_reached_through_its_package_is_named_too() -> None:
    package = importlib.import_module("java.lang")
    with pytest.raises(AttributeError, match=r"java\.lang\.System .* use the sys, os and time modules"):
        package.System  # noqa: B018
    assert not hasattr(package, "lower")


def test_other_missing_modules_are_missing_as_ever() -> None:
    with pytest.raises(ModuleNotFoundError, match="No module named 'javanese'"):
        importlib.import_module("javanese")
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'org\.example'"):
        importlib.import_module("org.example.deep")
