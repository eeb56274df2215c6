"""Source: socket_text_stream, the lines that a server sends.

    ./bin/pyflink-stream.sh examples/guide/socket_source.py - localhost 9000

A server to try it with is `nc -l 9000`; the stream ends with it.

The server sends:

    to be
    or not

Prints:

    TO BE
    OR NOT
"""

import sys


def main(factory):
    host, port = sys.argv[1:]
    env = factory.get_execution_environment()
    env.socket_text_stream(host, int(port)).map(str.upper).output()
    env.execute("Socket source")
