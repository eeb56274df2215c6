from __future__ import annotations

from stream_engine.api.kafka import FlinkKafkaConsumer as PythonFlinkKafkaConsumer010
from stream_engine.api.kafka import FlinkKafkaConsumer as PythonFlinkKafkaConsumer011
from stream_engine.api.kafka import FlinkKafkaConsumer as PythonFlinkKafkaConsumer09
from stream_engine.api.kafka_producer import FlinkKafkaProducer as PythonFlinkKafkaProducer010
from stream_engine.api.kafka_producer import FlinkKafkaProducer as PythonFlinkKafkaProducer011
from stream_engine.api.kafka_producer import FlinkKafkaProducer as PythonFlinkKafkaProducer09

__all__ = [
    "PythonFlinkKafkaConsumer010",
    "PythonFlinkKafkaConsumer011",
    "PythonFlinkKafkaConsumer09",
    "PythonFlinkKafkaProducer010",
    "PythonFlinkKafkaProducer011",
    "PythonFlinkKafkaProducer09",
]
