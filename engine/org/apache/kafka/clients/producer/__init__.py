from __future__ import annotations

from stream_engine.api.kafka_schemas import ProducerRecord

__all__ = ["ProducerRecord"]
