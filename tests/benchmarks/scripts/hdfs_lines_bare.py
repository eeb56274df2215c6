"""The loop that hdfs_lines.py would be if one wrote it by hand with hdfs-native: hdfs_lines_bare.py URL."""

from __future__ import annotations

import io
import sys
from importlib import import_module
from urllib.parse import urlsplit

from hdfs_lines import Length
from totals import Total


def main(url):
    length, total = Length().map, Total()
    client = import_module("hdfs_native").Client(url)
    # In the pieces that the client's own iterator gives, as lines of text.
    file = io.BufferedReader(client.read(urlsplit(url).path), 64 * 1024)
    for line in io.TextIOWrapper(file, encoding="utf-8"):
        total.invoke(length(line.rstrip("\n")))
    print(total.total)


main(*sys.argv[1:])
