from __future__ import annotations

from stream_engine.api.kafka_schemas import FlinkFixedPartitioner, FlinkKafkaPartitioner
from stream_engine.api.kafka_schemas import FlinkFixedPartitioner as FixedPartitioner
from stream_engine.api.kafka_schemas import FlinkKafkaPartitioner as KafkaPartitioner

__all__ = ["FixedPartitioner", "FlinkFixedPartitioner", "FlinkKafkaPartitioner", "KafkaPartitioner"]
