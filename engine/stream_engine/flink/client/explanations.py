"""What is to be said of exceptions of Flink's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.failures.failure import Failure
from stream_engine.flink.exception_text import final_text_in

if TYPE_CHECKING:
    from collections.abc import Sequence

_CAUSED = "Caused by: "
_TRACEBACK = "Traceback (most recent call last):"
_NO_PYFLINK = "No module named 'pyflink'"


def final_in(text: str) -> Failure | None:
    """The failure, other than those of subtasks, that would come again after a restart; None when it is another one."""
    said = final_text_in(text)
    if not said and _NO_PYFLINK in text:
        said = (
            "The Python of the cluster's workers has no apache-flink. Install it on all machines of the cluster, or "
            "set python.executable to the Python that has it."
        )
    return Failure.of_text(said)._replace(final=True) if said else None


def explained(text: str) -> str:
    """What is to be said of an exception of Flink's own, without its frames."""
    final = final_in(text)
    if final is not None:
        return str(final)
    lines = text.strip().splitlines()
    _, harness, more = text.partition("SDK harness")
    if harness and _TRACEBACK in more:
        return f"Python failed in a worker of the Flink cluster: {_raised(more.splitlines())}"
    if harness or any(sign in text for sign in ("Process died with exit code", "CANCELLED: client cancelled")):
        return (
            "A Python worker of the cluster died: a function may have crashed it or called os._exit, or the system "
            "ended it as memory ran out. Look at the logs of the TaskManagers."
        )
    return f"The job failed on the Flink cluster: {_cause(lines)}"


def _cause(lines: Sequence[str]) -> str:
    """The last cause of an exception of Java's; of more than one line, the first and the last."""
    starts = [number for number, line in enumerate(lines) if line.startswith((_CAUSED, ": "))]
    # The first of them is of the call of Java, which says nothing.
    begin = starts[-1] if starts else 0
    said: list[str] = []
    for line in lines[begin:]:
        if said and line.lstrip().startswith(("at ", "... ")):
            break
        said.append(line.removeprefix(_CAUSED).removeprefix(": ").strip())
    said = list(filter(None, said)) or ["no cause was given"]
    return said[0] if len(said) == 1 or not starts else f"{said[0]} … {said[-1]}"


def _raised(lines: Sequence[str]) -> str:
    """What was raised, with the first line of its text, by the last traceback of Python's in these lines."""
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    behind = (line.strip() for line in lines[frames[-1] :] if line[:1].strip()) if frames else iter(())
    return next(behind, "") or next((line.strip() for line in reversed(lines) if line.strip()), "")
