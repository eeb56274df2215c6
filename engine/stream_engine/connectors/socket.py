"""Reads the text that a TCP server sends."""

from __future__ import annotations

import logging
import os
import selectors
import socket
from errno import ECONNREFUSED, EINPROGRESS
from typing import TYPE_CHECKING

from stream_engine.connectors.address import check_address, lost, unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 64 * 1024

_log = logging.getLogger(__name__)


class SocketTextReader:
    r"""The records that a server sends, as utf-8 text with ``delimiter`` between them.

    Bytes that cannot be decoded become U+FFFD. With the delimiter ``\n`` a ``\r`` before it belongs to it. What
    follows the last delimiter is a record too, unless it is empty.

    The server may start late: connecting is tried again every ``retry_interval_ms``, ``max_retries`` times (-1:
    without end). Once connected, the end of the stream is the end of the input, and a lost connection is an error.
    """

    def __init__(self, host: str, port: int, delimiter: str, max_retries: int, retry_interval_ms: int) -> None:
        check_address(host, port)
        if not delimiter:
            raise ValueError("the delimiter between the records of a socket is empty")
        if max_retries < -1:
            raise ValueError(f"max_retries is {max_retries}: it may be 0 or more, or -1 to retry without end")
        if retry_interval_ms < 0:
            raise ValueError(f"retry_interval is {retry_interval_ms} ms: it may be 0 or more")
        self._host = host
        self._port = port
        self._delimiter = delimiter.encode()
        self._strip_carriage_return = delimiter == "\n"
        self._max_retries = max_retries
        self._retry_interval = retry_interval_ms / 1000
        self._cancelled = False
        self._wake: socket.socket | None = None

    def run(self, collect: Callable[[str], object]) -> None:
        """Calls ``collect`` with each record; returns at the end of the stream, or soon after ``cancel()``.

        Raises ConnectionError, which names host and port, when there is no server or the connection is lost.
        """
        awaited, wake = socket.socketpair()
        with awaited, wake, selectors.DefaultSelector() as selector:
            selector.register(awaited, selectors.EVENT_READ)
            # cancel() sets the flag before it looks for the socket, so one of the two always notices the other.
            self._wake = wake
            try:
                connection = self._connect(selector)
                if connection is not None:
                    with connection:
                        self._receive(connection, selector, collect)
            finally:
                self._wake = None

    def cancel(self) -> None:
        """Makes ``run`` return, also one that has not begun; from any thread, any number of times."""
        self._cancelled = True
        wake = self._wake
        if wake is not None:
            try:
                wake.send(b"\0")
            except OSError:
                pass  # run() is returning as it is.

    def _connect(self, selector: selectors.BaseSelector) -> socket.socket | None:
        """The connection; None when cancelled."""
        retries = 0
        while not self._cancelled:
            try:
                return self._connect_once(selector)
            except OSError as error:
                # A wrong name stays wrong; only a failure of the resolver may pass.
                unknown = isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN
                if unknown or retries == self._max_retries:
                    raise unreachable(self._host, self._port, error, retries + 1) from error
                if retries == 0:
                    _log.warning(
                        "%s:%d does not answer yet (%s); trying again every %d ms",
                        self._host,
                        self._port,
                        error.strerror,
                        round(self._retry_interval * 1000),
                    )
            retries += 1
            selector.select(self._retry_interval)
        return None

    def _connect_once(self, selector: selectors.BaseSelector) -> socket.socket | None:
        """Tries each address of the host. Returns None when cancelled; raises OSError when none answers."""
        failure = OSError(f"no address for {self._host}")
        for family, kind, protocol, _, address in socket.getaddrinfo(self._host, self._port, 0, socket.SOCK_STREAM):
            try:
                connection = socket.socket(family, kind, protocol)
            except OSError as error:  # An address family that this machine lacks.
                failure = error
                continue
            connection.setblocking(False)
            code = connection.connect_ex(address)
            if code == EINPROGRESS:
                if not self._wait(connection, selectors.EVENT_WRITE, selector):
                    connection.close()
                    return None
                code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            # The system may give this end the very port that nobody listens on: the socket is then connected to itself.
            if code == 0 and connection.getsockname() == address:
                code = ECONNREFUSED
            if code == 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                return connection
            connection.close()
            failure = OSError(code, os.strerror(code))
        raise failure

    def _receive(
        self, connection: socket.socket, selector: selectors.BaseSelector, collect: Callable[[str], object]
    ) -> None:
        pending = bytearray()
        searched = 0
        delimiter = self._delimiter
        while self._wait(connection, selectors.EVENT_READ, selector):
            try:
                chunk = connection.recv(_CHUNK)
            except BlockingIOError:
                continue
            except OSError as error:
                raise lost(self._host, self._port, error, f"{len(pending)} bytes of a record had come") from error
            if not chunk:
                if pending:
                    collect(pending.decode("utf-8", "replace"))
                return
            pending += chunk
            # Searches only what is new, so that a long record costs time in proportion to its length.
            if pending.find(delimiter, searched) >= 0:
                *records, pending = pending.split(delimiter)
                for record in records:
                    if self._cancelled:
                        return
                    if self._strip_carriage_return and record.endswith(b"\r"):
                        del record[-1]
                    collect(record.decode("utf-8", "replace"))
            searched = max(0, len(pending) - len(delimiter) + 1)

    def _wait(self, connection: socket.socket, events: int, selector: selectors.BaseSelector) -> bool:
        """Waits until the connection is ready; False when cancelled."""
        selector.register(connection, events)
        try:
            selector.select()
        finally:
            selector.unregister(connection)
        return not self._cancelled
