"""Sink: write_as_text, str(record) as the lines of a file.

    ./bin/pyflink-stream.sh examples/guide/write_as_text.py - /tmp/drinks

Without WriteMode.OVERWRITE a file that exists is left alone, and the job fails. With a parallelism of more than 1 the
path is a directory with a file of each instance.

Writes to /tmp/drinks:

    ('tea', 2)
    ('milk', 3)
"""

import sys

from org.apache.flink.core.fs.FileSystem import WriteMode


def main(factory):
    env = factory.get_execution_environment()
    env.from_elements(("tea", 2), ("milk", 3)).write_as_text(sys.argv[1], mode=WriteMode.OVERWRITE)
    env.execute("Text sink")
