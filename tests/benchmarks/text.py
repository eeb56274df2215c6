"""The text that the benchmarks read."""

from __future__ import annotations

import random
from itertools import accumulate
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from pathlib import Path

WORDS_PER_LINE = 10
_VOCABULARY = 10_000
# Lines that are made; a longer text repeats them.
_LINES = 5_000


def write_text(path: Path, words: int) -> None:
    """Writes ``words`` words, ten to a line, some far more frequent than others, as in any language."""
    made = random.Random(1)
    letters = "aaabcdeeeefghiiklmnnoopprrsstttuvwy"
    vocabulary = ["".join(made.choices(letters, k=made.randint(2, 9))) for _ in range(_VOCABULARY)]
    weights = list(accumulate(1 / (rank + 10) for rank in range(_VOCABULARY)))
    lines = [" ".join(made.choices(vocabulary, cum_weights=weights, k=WORDS_PER_LINE)) for _ in range(_LINES)]
    lines = [f"{line.capitalize()}\n" for line in lines]
    whole, rest = divmod(-(-words // WORDS_PER_LINE), _LINES)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(whole):
            file.writelines(lines)
        file.writelines(lines[:rest])


def lines_of(path: Path) -> tuple[int, int]:
    """The number of lines in a file, or in a directory's files, and a sum that other lines would not have."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    count = checks = 0
    for each in files:
        with each.open("rb") as file:
            for line in file:
                count += 1
                checks += crc32(line)
    return count, checks
