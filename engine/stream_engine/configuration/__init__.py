"""The known options, the values they take, and the Configuration that the launcher, the engine and scripts share."""

from __future__ import annotations

from stream_engine.configuration.configuration import Configuration, ConfigurationError
from stream_engine.configuration.options import OPTIONS, ConfigOption, nearest_key

__all__ = ["OPTIONS", "ConfigOption", "Configuration", "ConfigurationError", "nearest_key"]
