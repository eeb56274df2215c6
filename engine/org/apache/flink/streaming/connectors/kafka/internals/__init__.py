from __future__ import annotations

from stream_engine.api.kafka_schemas import (
    KafkaTopicPartition,
    KeyedDeserializationSchemaWrapper,
    KeyedSerializationSchemaWrapper,
)

__all__ = ["KafkaTopicPartition", "KeyedDeserializationSchemaWrapper", "KeyedSerializationSchemaWrapper"]
