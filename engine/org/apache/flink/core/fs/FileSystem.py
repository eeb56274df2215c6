from __future__ import annotations

from stream_engine.api.files import WriteMode

__all__ = ["WriteMode"]
