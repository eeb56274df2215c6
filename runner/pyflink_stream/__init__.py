"""The launcher of streaming scripts: ``pyflink-stream SCRIPT [PACKAGE ...] [- PARAM ...]``."""

from __future__ import annotations

__version__ = "0.1.0"
