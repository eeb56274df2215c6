"""Settings of Kafka clients: what scripts say in the words of Kafka's Java client, in those of librdkafka.

Most words are the same in both. Some differ, some name Java classes that have no meaning here, and ``flink.`` ones are
for the connector itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# Java's word, and librdkafka's.
_RENAMED = {
    "fetch.max.wait.ms": "fetch.wait.max.ms",
    "fetch.message.max.bytes": "max.partition.fetch.bytes",
    "metadata.broker.list": "bootstrap.servers",
    "receive.buffer.bytes": "socket.receive.buffer.bytes",
    "send.buffer.bytes": "socket.send.buffer.bytes",
}
# What the connector decides itself, what names a Java class, and what belongs to versions of Kafka long gone.
_MEANINGLESS = re.compile(
    r"(key|value)\.(de)?serializer(\..*)?|.*\.class(es)?|.*\.classes|metric\.reporters|metrics\..*|zookeeper\..*"
    r"|max\.poll\.(records|interval\.ms)|partition\.assignment\.strategy|auto\.include\.jmx\.reporter|max\.block\.ms"
    r"|session\.timeout\.ms|heartbeat\.interval\.ms|group\.instance\.id|exclude\.internal\.topics|check\.crcs"
    r"|default\.api\.timeout\.ms|enable\.auto\.commit|auto\.commit\.(enable|interval\.ms)|auto\.offset\.reset"
    r"|consumer\.timeout\.ms|client\.dns\.lookup|security\.providers|allow\.auto\.create\.topics|flink\..*"
)
_TRUST_STORE = re.compile(r"ssl\.truststore\..*|ssl\.keystore\.type")
_LOGIN = re.compile(r"(\w+)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s;]+)")
_RESETS = {
    "earliest": "earliest",
    "smallest": "earliest",
    "latest": "latest",
    "largest": "latest",
    "none": "none",
    "error": "none",
    "disable": "none",
}

DISCOVERY_INTERVAL = "flink.partition-discovery.interval-millis"


class ConsumerOptions(NamedTuple):
    """What the connector itself makes of a consumer's properties; times in ms.

    New partitions are looked for every ``discovery`` ms (0: never). ``reset`` says where to begin where there is no
    offset to begin at: earliest, latest, or none (which is an error). Without checkpoints offsets are committed every
    ``auto_commit`` ms (0: never). Brokers may be out of reach for ``timeout`` ms.
    """

    group: str | None
    discovery: int
    reset: str
    auto_commit: int
    timeout: int


def consumer_options(properties: Mapping[str, Any]) -> ConsumerOptions:
    """Raises ValueError, which names the property, for a value that is not one of its own."""
    reset = str(properties.get("auto.offset.reset", "latest")).strip().lower()
    if reset not in _RESETS:
        raise ValueError(f"auto.offset.reset is {reset!r}: it may be earliest, latest or none")
    discovery = _whole(properties, DISCOVERY_INTERVAL, 30_000, least=-(2**63))
    commits = _boolean(properties, "enable.auto.commit", _boolean(properties, "auto.commit.enable", True))
    group = properties.get("group.id")
    return ConsumerOptions(
        None if group is None or not str(group).strip() else str(group),
        max(0, discovery),
        _RESETS[reset],
        _whole(properties, "auto.commit.interval.ms", 5000, least=1) if commits else 0,
        _whole(properties, "default.api.timeout.ms", 60_000, least=1),
    )


def client_settings(properties: Mapping[str, Any]) -> dict[str, str]:
    """The settings of librdkafka that ``properties`` ask for.

    Raises ValueError, which names the property and what to do, for what cannot be had here, or without brokers.
    """
    settings: dict[str, str] = {}
    for key, value in properties.items():
        if key == "ssl.truststore.location":
            raise ValueError(f"{key}: Java's trust stores cannot be read here: name a PEM file in ssl.ca.location")
        if key == "sasl.jaas.config":
            settings.update(_login(str(value)))
        elif key == "buffer.memory":
            settings["queue.buffering.max.kbytes"] = str(max(1, _whole(properties, key, 0, least=1) // 1024))
        elif not (_MEANINGLESS.fullmatch(key) or _TRUST_STORE.fullmatch(key)):
            settings[_RENAMED.get(key, key)] = _text(value)
    if not settings.get("bootstrap.servers", "").strip():
        raise ValueError("bootstrap.servers is missing: the addresses of brokers, as host:port, with commas between")
    return settings


def _login(text: str) -> dict[str, str]:
    """The user's name and password of a JAAS line, as brokers with SASL/PLAIN and SASL/SCRAM want them."""
    parts = {key: value.strip("\"'") for key, value in _LOGIN.findall(text)}
    if "username" not in parts or "password" not in parts:
        # Without the text itself, which has a password in it.
        raise ValueError(
            "sasl.jaas.config: of Java's login modules only those with a username and a password have a counterpart; "
            "for others use librdkafka's own settings, such as sasl.kerberos.principal"
        )
    return {"sasl.username": parts["username"], "sasl.password": parts["password"]}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole(properties: Mapping[str, Any], key: str, default: int, least: int) -> int:
    text = str(properties.get(key, default)).strip()
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or value < least:
        raise ValueError(f"{key} is {text!r}: a whole number is needed" + (f", at least {least}" if least >= 0 else ""))
    return value


def _boolean(properties: Mapping[str, Any], key: str, default: bool) -> bool:
    text = _text(properties.get(key, default)).strip().lower()
    if text not in ("true", "false"):
        raise ValueError(f"{key} is {text!r}: it may be true or false")
    return text == "true"
