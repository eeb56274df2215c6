from __future__ import annotations

from stream_engine.api.watermarks import AssignerWithPeriodicWatermarks, AssignerWithPunctuatedWatermarks

__all__ = ["AssignerWithPeriodicWatermarks", "AssignerWithPunctuatedWatermarks"]
