"""The pages of the documentation, and the blocks of code in them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# README of the checkout first, which people read first.
PAGES = [
    ROOT / directory / "README.md"
    for directory in (
        ".",
        "examples",
        "conf",
        "runner",
        "engine",
        "engine/stream_engine",
        "engine/stream_engine/flink",
        "tests",
        "tests/benchmarks",
    )
]


def name_of(page: Path) -> str:
    """The path of a page from the root of the checkout."""
    return str(page.relative_to(ROOT))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """The text of each block of code in ``language``."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL)


def named_block(page: Path, language: str, name: str) -> str:
    """The block that has the comment ``# name`` as one of its first two lines."""
    (found,) = (block for block in blocks(page, language) if f"# {name}" in block.splitlines()[:2])
    return found
