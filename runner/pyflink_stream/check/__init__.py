"""``pyflink-stream --check``: what in a script is Python 2, found by reading it and running nothing."""

from __future__ import annotations

from pyflink_stream.check.finding import Finding
from pyflink_stream.check.report import check_files, check_source, render, run_check

__all__ = ["Finding", "check_files", "check_source", "render", "run_check"]
