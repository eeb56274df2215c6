from __future__ import annotations

import pytest

from stream_engine.configuration.kafka import client_settings, consumer_options

BROKERS = {"bootstrap.servers": "127.0.0.1:9092"}
PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="me" password="a b";'


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"client.id": "mine", "fetch.max.wait.ms": 50}, {"client.id": "mine", "fetch.wait.max.ms": "50"}),
        ({"enable.idempotence": False}, {"enable.idempotence": "false"}),
        ({"buffer.memory": "33554432"}, {"queue.buffering.max.kbytes": "32768"}),
        # What names Java's classes, or is the connector's own.
        ({"key.deserializer": "org.apache.kafka.common.serialization.ByteArrayDeserializer"}, {}),
        ({"zookeeper.connect": "127.0.0.1:2181", "flink.poll-timeout": "10", "auto.offset.reset": "earliest"}, {}),
        ({"sasl.jaas.config": PLAIN}, {"sasl.username": "me", "sasl.password": "a b"}),
    ],
)
def test_properties_of_javas_client_are_librdkafkas(given: dict[str, object], told: dict[str, str]) -> None:
    assert client_settings({**BROKERS, **given}) == {**BROKERS, **told}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bootstrap.servers": " "}, "bootstrap.servers is missing"),
        ({"ssl.truststore.location": "/a.jks"}, "name a PEM file in ssl.ca.location"),
        (
            {"sasl.jaas.config": "com.sun.security.auth.module.Krb5LoginModule required secret=hidden;"},
            "have a counterpart",
        ),
        ({"buffer.memory": "much"}, "buffer.memory is 'much': a whole number is needed"),
    ],
)
def test_what_cannot_be_had_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        client_settings({**BROKERS, **given})
    assert "hidden" not in str(refused.value)


def test_what_a_consumer_says_nothing_about_is_as_in_javas_client() -> None:
    options = consumer_options({"group.id": "g"})
    assert options == ("g", 30_000, "latest", 5000, 60_000)


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"auto.offset.reset": "smallest"}, "reset", "earliest"),
        ({"enable.auto.commit": "false"}, "auto_commit", 0),
        ({"auto.commit.enable": "false"}, "auto_commit", 0),
        ({"flink.partition-discovery.interval-millis": "-9223372036854775808"}, "discovery", 0),
        ({"flink.partition-discovery.interval-millis": 100}, "discovery", 100),
        ({"group.id": ""}, "group", None),
    ],
)
def test_the_options_of_a_consumer(given: dict[str, object], field: str, value: object) -> None:
    assert getattr(consumer_options(given), field) == value


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"auto.offset.reset": "middle"}, "it may be earliest, latest or none"),
        ({"enable.auto.commit": "perhaps"}, "it may be true or false"),
        ({"auto.commit.interval.ms": "0"}, "a whole number is needed, at least 1"),
    ],
)
def test_options_that_cannot_be_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        consumer_options(given)
