"""What the check reports about one place of a script."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One place that Python 3 does not read, or does not run, as Python 2 did.

    ``line`` and ``column`` count from 1, in characters. ``code`` is a short id such as ``print-statement``,
    ``problem`` says what the place is, ``suggestion`` what to write instead, ``source_line`` is the line itself.
    """

    filename: str
    line: int
    column: int
    code: str
    problem: str
    suggestion: str
    source_line: str
