"""Whether the Python of a cluster's workers is as this one: what goes along with a job is compiled for that."""

from __future__ import annotations

import os
import subprocess
import sys

from stream_engine.job import ClusterUnusable

_VERSION = 'import sys; print("%d.%d" % sys.version_info[:2])'
# In seconds.
_PATIENCE = 30


def other_python(theirs: str, mine: str) -> str:
    """What is said where the two versions, such as 3.11, differ."""
    return (
        f"The workers of the Flink cluster run Python {theirs}, and this machine {mine}: both have to have the same "
        f"version. Run this with Python {theirs}, or set python.executable to a Python {mine} of the cluster's."
    )


def check_python(python: str, here: bool) -> None:
    """Raises ClusterUnusable for workers that run another version, if that can be known before they start.

    That is where they all run ``here``, on this machine, and ``python`` is the path of their interpreter.
    """
    if not here or not os.path.isabs(python) or python == sys.executable:
        return
    command = [python, "-E", "-c", _VERSION]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        # They may be in a container, with paths of their own: if they cannot start either, they say so.
        return
    theirs, mine = done.stdout.strip(), ".".join(map(str, sys.version_info[:2]))
    if done.returncode == 0 and theirs and theirs != mine:
        raise ClusterUnusable(other_python(theirs, mine))
