"""Checks that a file or directory is this user's alone.

State is unpickled, and a pickle is code: so a file that another user could have written is never read. The mode also
shows access control lists (ACLs): where one lets others write, the group seems to have the right. A group counts as
others, as nobody can tell who will be in it tomorrow.
"""

from __future__ import annotations

import os
import stat

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class StorageError(Exception):
    """A checkpoint cannot be kept or read; the message names the file, and says why and what to do."""


def check_private(path: str, status: os.stat_result) -> None:
    """Raises StorageError for what another user owns or can write to, and for a link, which may lead to such a file."""
    if stat.S_ISLNK(status.st_mode):
        reason = "it is a link"
    elif status.st_uid != os.geteuid():
        reason = _owned_by_another(status)
    elif status.st_mode & _OTHERS:
        reason = f"others can write to it ({_mode(status)}; chmod go-w would end that)"
    else:
        return
    raise StorageError(f"{path} is not used for checkpoints: {reason}, and what is in them is run as code.")


def check_root(path: str, status: os.stat_result, option: str) -> None:
    """Raises StorageError for a directory in which others can rename or delete this user's files.

    In a directory for everybody, such as /tmp, the sticky bit prevents that. ``option`` is the option that names
    another directory.
    """
    if stat.S_ISLNK(status.st_mode):
        reason = "it is a link"
    elif status.st_uid not in (0, os.geteuid()):
        reason = _owned_by_another(status)
    elif status.st_mode & _OTHERS and not status.st_mode & stat.S_ISVTX:
        reason = f"others can rename and delete what is in it ({_mode(status)}; chmod go-w or chmod +t would end that)"
    else:
        return
    raise StorageError(f"{path} is not used: {reason}. Name a directory of your own with {option}.")


def _owned_by_another(status: os.stat_result) -> str:
    return f"it belongs to another user (uid {status.st_uid}, not {os.geteuid()})"


def _mode(status: os.stat_result) -> str:
    return f"mode {stat.S_IMODE(status.st_mode):04o}"


def unwritable(path: str, error: OSError) -> StorageError:
    """The exception for a checkpoint that cannot be written at ``path``."""
    return StorageError(f"Cannot write a checkpoint to {path}: {error.strerror or error}.")


def unreadable(path: str, error: OSError) -> StorageError:
    """The exception for a file or directory at ``path`` that cannot be read."""
    return StorageError(f"Cannot read {path}: {error.strerror or error}.")
