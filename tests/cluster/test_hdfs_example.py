"""The commands of examples/README.md that count words on HDFS, as they are printed there."""

from __future__ import annotations

import re
import subprocess
import sys
from ast import literal_eval
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from launched import ROOT, command_environment

if TYPE_CHECKING:
    from hdfs_server import Hdfs


def block(name: str) -> str:
    page = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```sh\n# {name}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return found


def test_the_page_starts_the_hdfs_of_these_tests():
    assert block("hdfs").splitlines()[-1] == ".venv-cluster/bin/python tests/cluster/hdfs_server.py 9000"


def test_the_word_count_of_the_page_counts_every_word(hdfs: Hdfs):
    python = Path(sys.executable)
    commands = block("word count").replace("127.0.0.1:9000", f"127.0.0.1:{hdfs.port}")
    # This environment has the extra already.
    commands = commands.replace("bin/venv.sh hdfs\n", "").replace(
        "bin/pyflink-stream.sh", f"{python} -m pyflink_stream"
    )
    commands = commands.replace(".venv/bin/hdfsn", f"{python.parent / 'hdfsn'}")

    done = subprocess.run(
        ["sh", "-e", "-c", commands], cwd=ROOT, env=command_environment(), capture_output=True, text=True, timeout=250
    )

    assert done.returncode == 0, done.stderr
    counted = Counter(re.findall(r"[\w']+", (ROOT / "README.md").read_text(encoding="utf-8").lower()))
    rows = Counter(literal_eval(line) for line in done.stdout.splitlines())
    assert rows == {(rank, word): 1 for word, count in counted.items() for rank in range(1, count + 1)}
