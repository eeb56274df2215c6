"""Waits for one socket, whatever its number: ``select.select`` takes only numbers below 1024."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike


def wait_readable(source: FileDescriptorLike, timeout: float | None = None) -> bool:
    """Waits until ``source`` can be read or has ended, but at most ``timeout`` seconds; returns whether it can."""
    return _wait(source, select.POLLIN, timeout)


def wait_writable(source: FileDescriptorLike, timeout: float | None = None) -> bool:
    """Waits as ``wait_readable`` does, until something can be written or the other end has gone."""
    return _wait(source, select.POLLOUT, timeout)


def _wait(source: FileDescriptorLike, event: int, timeout: float | None) -> bool:
    poll = select.poll()
    poll.register(source, event)
    return bool(poll.poll(None if timeout is None else timeout * 1000))
