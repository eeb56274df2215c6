"""Schemas: how records become bytes on a socket, and bytes become records."""

from __future__ import annotations

from typing import Any

from stream_engine.utf8 import without_surrogates


class SerializationSchema:
    """``serialize(value)`` returns a record's bytes; a str is sent as utf-8."""


class DeserializationSchema:
    """``deserialize(message)`` returns the record of some bytes; ``isEndOfStream(record)`` whether it is the last."""


class SimpleStringSchema(SerializationSchema, DeserializationSchema):
    """Strings, in ``charset``; other records as ``str()`` shows them."""

    def __init__(self, charset: str = "utf-8") -> None:
        self.charset = charset

    def serialize(self, value: Any) -> bytes:
        text = str(value)
        try:
            return text.encode(self.charset)
        except UnicodeEncodeError:
            # A character that the charset does not have is still an error.
            return without_surrogates(text).encode(self.charset)

    def deserialize(self, message: bytes) -> str:
        return bytes(message).decode(self.charset)

    def is_end_of_stream(self, value: Any) -> bool:
        return False

    isEndOfStream = is_end_of_stream
