from __future__ import annotations

from stream_engine.api.time import Time

milliseconds = Time.milliseconds
seconds = Time.seconds
minutes = Time.minutes
hours = Time.hours
days = Time.days

__all__ = ["days", "hours", "milliseconds", "minutes", "seconds"]
