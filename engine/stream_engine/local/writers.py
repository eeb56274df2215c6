"""What is behind a sink: a file, a socket, or the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.connectors.text_writer import TextWriter
from stream_engine.graph import operators as plan

if TYPE_CHECKING:
    from stream_engine.connectors.socket_writer import SocketWriter
    from stream_engine.operators.operator import Writer


class SocketLines:
    """Adapts a socket to a sink's batches, of str or bytes."""

    def __init__(self, writer: SocketWriter) -> None:
        self._writer = writer

    def write(self, lines: list[Any]) -> None:
        self._writer.send(b"".join(line.encode() if isinstance(line, str) else bytes(line) for line in lines))

    def close(self) -> None:
        self._writer.close()


def open_writer(sink: plan.Sink, index: int, parallelism: int, console: Writer) -> Writer:
    """Opens what subtask ``index`` of a sink writes to; ``console`` where that is the console. Raises OSError."""
    if isinstance(sink, plan.TextFileSink):
        return TextWriter(sink.path, index, parallelism)
    if isinstance(sink, plan.SocketSink):
        from stream_engine.connectors.socket_writer import SocketWriter

        return SocketLines(SocketWriter(sink.host, sink.port))
    return console
