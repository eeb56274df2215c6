"""What shortens the start of a job on a cluster: Java with few ambitions, and no jar that the cluster has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flink_rest import Rest

from stream_engine.flink.client.java import prepare_java
from stream_engine.flink.client.rest import RestClient, RestError

if TYPE_CHECKING:
    from collections.abc import Iterator

LIB = "/opt/flink/lib"


@pytest.fixture
def rest() -> Iterator[Rest]:
    with Rest() as rest:
        yield rest


@pytest.mark.parametrize(
    ("environment", "has"),
    [
        ({"classpath": [f"{LIB}/flink-dist-2.3.1.jar", f"{LIB}/flink-python-2.3.1.jar"]}, True),
        ({"classpath": [f"{LIB}/flink-python-2.30.0.jar"]}, False),
        ({"classpath": [f"{LIB}/flink-dist-2.3.1.jar"]}, False),
        ({"jvm": {}}, False),
        (None, False),
    ],
)
def test_the_jar_of_pyflink_is_looked_for_among_those_of_the_cluster(rest: Rest, environment: Any, has: bool) -> None:
    if environment is not None:
        rest.answers["/jobmanager/environment"] = environment

    assert RestClient(rest.address).has_python_jar("2.3") == has


def test_a_cluster_that_has_gone_has_no_jars_to_be_looked_at(rest: Rest) -> None:
    rest.close()

    with pytest.raises(RestError):
        RestClient(rest.address).has_python_jar("2.3")


def test_java_starts_soon_and_as_its_user_wants_it() -> None:
    environment = {"JAVA_HOME": "", "JVM_ARGS": "-XX:TieredStopAtLevel=4"}
    prepare_java(environment)
    once = dict(environment)
    prepare_java(environment)

    assert "JAVA_HOME" not in environment
    assert environment == once
    assert environment["JVM_ARGS"].split()[1] == "-XX:TieredStopAtLevel=1"
    # Of two of the same, Java takes the last.
    assert environment["JVM_ARGS"].endswith(" -XX:TieredStopAtLevel=4")
