"""The loop that hdfs_lines.py would be if one wrote it by hand with hdfs-native: hdfs_lines_bare.py URL."""

from __future__ import annotations

import sys
from importlib import import_module
from urllib.parse import urlsplit

from hdfs_lines import Length
from totals import Total


def main(url):
    length, total = Length().map, Total()
    client = import_module("hdfs_native").Client(url)
    rest = b""
    # The client's files are iterated by pieces, not by lines.
    for piece in client.read(urlsplit(url).path):
        data = rest + piece
        end = data.rfind(b"\n") + 1
        rest = data[end:]
        if end:
            for line in data[: end - 1].decode("utf-8").split("\n"):
                total.invoke(length(line))
    if rest:
        total.invoke(length(rest.decode("utf-8")))
    print(total.total)


main(*sys.argv[1:])
