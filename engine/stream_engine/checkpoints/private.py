"""Files and directories that only this user can write to.

State is unpickled, and a pickle is code: what another user could have written is never read.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable


class StorageError(Exception):
    """A checkpoint that cannot be kept or read; the message names the file, tells why, and what to do."""


def make_private_directory(path: str) -> None:
    """Makes a directory, mode 0700, and its parents; it may be there already. Raises StorageError."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            pass
        check_private(path, os.lstat(path))
    except OSError as error:
        raise unwritable(path, error) from error


def create_private(path: str) -> BinaryIO:
    """A new file, mode 0600. Raises OSError, FileExistsError if there is one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    return open(descriptor, "wb")


def open_private(path: str) -> BinaryIO:
    """A file for reading. Raises StorageError unless it is this user's own; OSError if it cannot be read."""
    check_private(os.path.dirname(path), os.lstat(os.path.dirname(path)))
    # Without waiting, should it be a pipe.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        check_private(path, status)
        if not stat.S_ISREG(status.st_mode):
            raise StorageError(f"{path} is not a file.")
    except BaseException:
        os.close(descriptor)
        raise
    return open(descriptor, "rb")


def check_private(path: str, status: os.stat_result) -> None:
    """Raises StorageError for what another user owns or others can write to, and for a link, which may lead there."""
    if stat.S_ISLNK(status.st_mode):
        reason = "it is a link"
    elif status.st_uid != os.geteuid():
        reason = f"it belongs to another user (uid {status.st_uid}, not {os.geteuid()})"
    elif status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        reason = f"others can write to it (mode {stat.S_IMODE(status.st_mode):04o}; chmod go-w would end that)"
    else:
        return
    raise StorageError(f"{path} is not used for checkpoints: {reason}, and what is in them is run as code.")


def sync_directory(path: str) -> None:
    """Makes sure that the names in a directory survive a failure of the machine."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def delete_files(directory: str, names: Iterable[str]) -> None:
    """Deletes files of a directory, those that are there."""
    for name in names:
        try:
            os.unlink(os.path.join(directory, name))
        except FileNotFoundError:
            pass


def unwritable(path: str, error: OSError) -> StorageError:
    """What to raise when a checkpoint cannot be written at ``path``."""
    return StorageError(f"Cannot write a checkpoint to {path}: {error.strerror or error}.")
