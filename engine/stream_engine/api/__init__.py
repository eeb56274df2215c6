"""What a script touches: the factory, the environment, streams, and the base classes of its functions."""

from __future__ import annotations

from stream_engine.api.jvm import JvmFinder

JvmFinder.install()
