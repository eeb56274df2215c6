"""The loop that text_to_text.py would be if one wrote it by hand: text_to_text_bare.py FILE OUTPUT."""

from __future__ import annotations

import sys

from text_to_text import SwapCase


def main(path, output):
    swap_case = SwapCase().map
    with open(path, encoding="utf-8") as lines, open(output, "w", encoding="utf-8") as file:
        for line in lines:
            file.write(f"{swap_case(line.rstrip(chr(10)))}\n")


main(*sys.argv[1:])
