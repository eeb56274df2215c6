"""``pyflink-stream --check``: finds what is Python 2 in a script by reading it, and runs nothing."""

from __future__ import annotations

from pyflink_stream.check.finding import Finding
from pyflink_stream.check.report import check_files, check_source, render, run_check

__all__ = ["Finding", "check_files", "check_source", "render", "run_check"]
