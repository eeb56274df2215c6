"""Opens what a sink writes to: a file, a socket, or the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.connectors.text_writer import TextWriter
from stream_engine.graph import specs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream_engine.operators.operator import Writer


def open_writer(
    sink: specs.Sink, index: int, parallelism: int, positions: Mapping[int, int] | None, console: Writer
) -> Writer:
    """Opens what subtask ``index`` of a sink writes to, which may be ``console``. Raises OSError.

    ``positions`` is for a sink that resumes; see Host.writer.
    """
    if isinstance(sink, specs.TextFileSink) and sink.parts:
        from stream_engine.connectors.part_writer import PartWriter

        return PartWriter(sink.path, index, parallelism, positions)
    if isinstance(sink, specs.TextFileSink):
        return TextWriter(sink.path, index, parallelism, positions)
    if isinstance(sink, specs.SocketSink):
        from stream_engine.connectors.socket_writer import SocketLines

        return SocketLines(sink.host, sink.port)
    return console
