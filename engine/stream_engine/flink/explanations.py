"""What is to be said of exceptions of Flink's."""

from __future__ import annotations


def explained(text: str) -> str:
    """What is to be said of an exception of Flink's own, without its frames."""
    _, mark, ours = text.partition("[[pyflink-stream: ")
    if mark:
        return ours.partition("]]")[0]
    if any(sign in text for sign in ("Process died with exit code", "SDK harness", "CANCELLED: client cancelled")):
        return (
            "A Python worker of the cluster died: a function may have crashed it or called os._exit, or the system "
            "ended it as memory ran out. Look at the logs of the TaskManagers."
        )
    # The first of them is of the call of Java, which says nothing.
    starts = ("Caused by: ", ": ")
    lines = text.strip().splitlines()
    causes = [line.removeprefix(start).strip() for line in lines for start in starts if line.startswith(start)]
    cause = causes[-1] if causes else (lines or ["no cause was given"])[0]
    return f"The job failed on the Flink cluster: {cause}"
