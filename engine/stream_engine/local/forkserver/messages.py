"""What the script's process and its fork server say to each other: short pickled tuples."""

from __future__ import annotations

import pickle
import socket
import struct
from array import array

_LENGTH = struct.Struct("<I")


def send(channel: socket.socket, message: tuple) -> None:
    """Sends a message. Raises EOFError if the other side has gone."""
    payload = pickle.dumps(message)
    try:
        channel.sendall(_LENGTH.pack(len(payload)) + payload)
    except (BrokenPipeError, ConnectionResetError):
        raise EOFError("the other side is gone") from None


def receive(channel: socket.socket) -> tuple:
    """Waits for a message, unless ``channel`` is non-blocking. Raises EOFError if the other side has gone."""
    try:
        header = channel.recv(_LENGTH.size)
    except ConnectionResetError:
        header = b""
    if not header:
        raise EOFError("the other side is gone")
    # Messages are small and written whole: the rest has arrived or is about to.
    channel.setblocking(True)
    while len(header) < _LENGTH.size:
        header += _more(channel, _LENGTH.size - len(header))
    (length,) = _LENGTH.unpack(header)
    payload = b""
    while len(payload) < length:
        payload += _more(channel, length - len(payload))
    return pickle.loads(payload)


def _more(channel: socket.socket, size: int) -> bytes:
    data = channel.recv(size)
    if not data:
        raise EOFError("the other side is gone")
    return data


def send_descriptor(channel: socket.socket, descriptor: int) -> None:
    """Gives the other side a copy of a descriptor."""
    channel.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [descriptor]))])


def receive_descriptor(channel: socket.socket) -> int:
    _, ancillary, _, _ = channel.recvmsg(1, socket.CMSG_SPACE(array("i", [0]).itemsize))
    descriptors = array("i")
    descriptors.frombytes(ancillary[0][2])
    return descriptors[0]
