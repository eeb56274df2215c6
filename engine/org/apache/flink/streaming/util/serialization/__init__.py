from __future__ import annotations

from stream_engine.api.kafka_schemas import (
    JSONDeserializationSchema,
    JSONKeyValueDeserializationSchema,
    KeyedDeserializationSchema,
    KeyedDeserializationSchemaWrapper,
    KeyedSerializationSchema,
    KeyedSerializationSchemaWrapper,
)
from stream_engine.api.serialization import DeserializationSchema, SerializationSchema, SimpleStringSchema

__all__ = [
    "DeserializationSchema",
    "JSONDeserializationSchema",
    "JSONKeyValueDeserializationSchema",
    "KeyedDeserializationSchema",
    "KeyedDeserializationSchemaWrapper",
    "KeyedSerializationSchema",
    "KeyedSerializationSchemaWrapper",
    "SerializationSchema",
    "SimpleStringSchema",
]
