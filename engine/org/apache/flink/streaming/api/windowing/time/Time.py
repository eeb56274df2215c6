from __future__ import annotations

from stream_engine.api.time import Time

milliseconds = Time.milliseconds
seconds = Time.seconds
minutes = Time.minutes
hours = Time.hours
of = Time.of
days = Time.days

__all__ = ["days", "hours", "milliseconds", "minutes", "of", "seconds"]
