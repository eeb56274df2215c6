from __future__ import annotations

from stream_engine.api.watermarks import AscendingTimestampExtractor, BoundedOutOfOrdernessTimestampExtractor

__all__ = ["AscendingTimestampExtractor", "BoundedOutOfOrdernessTimestampExtractor"]
