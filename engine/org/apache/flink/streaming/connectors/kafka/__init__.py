from __future__ import annotations

from stream_engine.api.kafka import FlinkKafkaConsumer
from stream_engine.api.kafka import FlinkKafkaConsumer as FlinkKafkaConsumer010
from stream_engine.api.kafka import FlinkKafkaConsumer as FlinkKafkaConsumer011
from stream_engine.api.kafka import FlinkKafkaConsumer as FlinkKafkaConsumer08
from stream_engine.api.kafka import FlinkKafkaConsumer as FlinkKafkaConsumer09
from stream_engine.api.kafka import FlinkKafkaConsumer as FlinkKafkaConsumerBase
from stream_engine.api.kafka_producer import FlinkKafkaProducer
from stream_engine.api.kafka_producer import FlinkKafkaProducer as FlinkKafkaProducer010
from stream_engine.api.kafka_producer import FlinkKafkaProducer as FlinkKafkaProducer011
from stream_engine.api.kafka_producer import FlinkKafkaProducer as FlinkKafkaProducer08
from stream_engine.api.kafka_producer import FlinkKafkaProducer as FlinkKafkaProducer09
from stream_engine.api.kafka_producer import FlinkKafkaProducer as FlinkKafkaProducerBase
from stream_engine.api.kafka_schemas import KafkaDeserializationSchema, KafkaSerializationSchema

__all__ = [
    "FlinkKafkaConsumer",
    "FlinkKafkaConsumer010",
    "FlinkKafkaConsumer011",
    "FlinkKafkaConsumer08",
    "FlinkKafkaConsumer09",
    "FlinkKafkaConsumerBase",
    "FlinkKafkaProducer",
    "FlinkKafkaProducer010",
    "FlinkKafkaProducer011",
    "FlinkKafkaProducer08",
    "FlinkKafkaProducer09",
    "FlinkKafkaProducerBase",
    "KafkaDeserializationSchema",
    "KafkaSerializationSchema",
]
