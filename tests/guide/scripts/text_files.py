"""Lines are written to a file, by one job, and read from it, by the next."""

from __future__ import annotations

import os
import tempfile

from org.apache.flink.core.fs.FileSystem import WriteMode


def main(factory):
    env = factory.get_execution_environment()
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "lines")
        env.from_elements("old").write_as_text(path)
        env.execute("text file out")
        env.from_elements("to be", "or", "not to be").write_as_text(path, WriteMode.OVERWRITE)
        env.execute("text file out, again")
        env.read_text_file("file://" + path).map(str.title).output()
        env.execute("text file in")
