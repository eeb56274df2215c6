from __future__ import annotations

from stream_engine.api.kafka_schemas import JSONDeserializationSchema as JsonNodeDeserializationSchema

__all__ = ["JsonNodeDeserializationSchema"]
