from __future__ import annotations

from stream_engine.api.serialization import DeserializationSchema, SerializationSchema, SimpleStringSchema

__all__ = ["DeserializationSchema", "SerializationSchema", "SimpleStringSchema"]
