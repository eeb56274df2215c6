"""A script's properties for Kafka, checked at its own line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stream_engine.api.capture.snapshot import refuse
from stream_engine.configuration.kafka import client_settings
from stream_engine.graph.location import caller_location

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNKNOWN = re.compile(r'No such configuration property: "(.*)"')


def checked_settings(properties: Mapping[str, Any], kind: str) -> dict[str, str]:
    """What librdkafka is told, to make a ``Consumer`` or ``Producer``.

    As with Java's client, there is a warning for properties that nobody knows, and no more. Raises
    InvalidProgramException for values that cannot be, and where librdkafka is not installed.
    """
    try:
        import confluent_kafka
    except ImportError:
        from stream_engine.installation import extra

        refuse(f"Kafka needs a package that is not installed: {extra('kafka')}")
    try:
        settings = client_settings(properties)
    except ValueError as error:
        refuse(f"{error}.")
    unknown: list[str] = []
    while True:
        # Without brokers nothing is connected to. What is for producers alone is not looked at in a consumer.
        trial = {**settings, "group.id": "check"} if kind == "Consumer" else dict(settings)
        del trial["bootstrap.servers"]
        try:
            client = getattr(confluent_kafka, kind)(trial, logger=_Silence())
        except confluent_kafka.KafkaException as error:
            name = _UNKNOWN.search(error.args[0].str())
            if name is None or name[1] not in settings:
                refuse(f"{error.args[0].str()}.")
            unknown.append(name[1])
            del settings[name[1]]
            continue
        except (TypeError, ValueError) as error:
            refuse(f"These are no properties of a Kafka client: {error}.")
        client.close()
        break
    if unknown:
        import warnings

        at = caller_location()
        text = f"these properties are not known, and left out: {', '.join(sorted(unknown))}"
        warnings.warn_explicit(text, UserWarning, at.file if at else "", at.line if at else 0)
    return settings


def properties_of(given: Any) -> dict[str, Any]:
    """Raises InvalidProgramException for what is neither a dict nor a java.util.Properties."""
    try:
        return {str(key): value for key, value in dict(given).items()}
    except (TypeError, ValueError):
        refuse(f"A dict or a java.util.Properties is needed, with bootstrap.servers in it, not {type(given).__name__}.")


class _Silence:
    def log(self, *_: Any) -> None:
        """What is wrong is raised."""
