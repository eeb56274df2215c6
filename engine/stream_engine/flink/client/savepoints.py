"""Whether a job can resume from a savepoint of Flink's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.flink.plan import parts_of
from stream_engine.job import JobExecutionException
from stream_engine.report import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream_engine.flink.plan import FlinkJob

SAVEPOINT_KEY = "execution.state-recovery.path"
LENIENT_KEY = "execution.state-recovery.ignore-unclaimed-state"


def check_stages(job: FlinkJob, savepoint: str, states: Mapping[str, str], lenient: bool) -> None:
    """Raises JobExecutionException for a job that does not have the stages of ``savepoint`` as they were.

    ``states`` has the names, by their uids, of what has state there; ``lenient`` leaves behind what nobody takes.
    """
    former = {parts[0]: (parts[1], name) for uid, name in states.items() if (parts := parts_of(uid)) is not None}
    if not former:
        raise JobExecutionException(f"{savepoint} is no savepoint of a job of this kind on a Flink cluster.", "")
    present = {parts[0]: stage for stage in job.stages if (parts := parts_of(stage.uid)) is not None}
    for head, stage in present.items():
        if head not in former:
            raise JobExecutionException(
                f"{savepoint} has no state of {one_line(stage.name)!r}: on a Flink cluster a job resumes with the "
                "operators that it had.",
                "",
            )
        width, _ = former[head]
        if width != stage.parallelism:
            raise JobExecutionException(
                f"{savepoint} was taken at a parallelism of {width}, and {one_line(stage.name)!r} now has "
                f"{stage.parallelism}: on a Flink cluster a job resumes with the parallelism that it had.",
                "",
            )
    left = sorted(name or head for head, (_, name) in former.items() if head not in present)
    if left and not lenient:
        raise JobExecutionException(
            f"{savepoint} has state of {one_line(left[0])!r}, which this job does not have. Leave it behind with "
            "--allow-non-restored-state.",
            "",
        )
