"""What a job returns: its result, or the exception that ended it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from stream_engine.beans import with_properties
from stream_engine.failures.causes import cause_of, set_cause
from stream_engine.failures.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream_engine.configuration import Configuration
    from stream_engine.graph.stream_graph import StreamGraph


@with_properties
class JobExecutionResult:
    """The outcome of a finished job.

    ``jobID`` is 32 hexadecimal digits, ``net_runtime`` is in ms, accumulators map a name to its final value.
    """

    def __init__(self, job_id: str, job_name: str, net_runtime: int, accumulators: Mapping[str, Any]) -> None:
        self.jobID = job_id
        self.job_name = job_name
        self.net_runtime = net_runtime
        self.accumulators = dict(accumulators)

    @property
    def job_id(self) -> str:
        return self.jobID

    def get_job_id(self) -> str:
        return self.jobID

    getJobID = get_job_id

    def get_job_name(self) -> str:
        return self.job_name

    getJobName = get_job_name

    def get_net_runtime(self) -> int:
        """The time from the first worker's start to the last one's end, in ms."""
        return self.net_runtime

    getNetRuntime = get_net_runtime

    def get_accumulator_result(self, name: str) -> Any:
        """The final value of the accumulator ``name``; None if no function has added one of that name."""
        return self.accumulators.get(name)

    getAccumulatorResult = get_accumulator_result

    def get_all_accumulator_results(self) -> dict[str, Any]:
        return dict(self.accumulators)

    getAllAccumulatorResults = get_all_accumulator_results

    def __repr__(self) -> str:
        return f"JobExecutionResult(jobID={self.jobID!r}, job_name={self.job_name!r}, net_runtime={self.net_runtime})"


@with_properties
class JobExecutionException(Exception):
    """A job failed. ``__cause__`` is the exception that a user function raised, if there was one.

    The message is written for people: what happened, in which operator, subtask and record, and what to do.
    ``failure`` has all of that in its parts.

    When the script asks for the cause, an exception of a worker is rebuilt from its class, arguments and attributes;
    the repr replaces those that are no plain data.
    """

    def __init__(self, message: str, job_id: str = "", failure: Failure | None = None) -> None:
        """``failure`` has more than the message, if more is known."""
        super().__init__(message)
        self.jobID = job_id
        self._failure = failure

    @classmethod
    def of(cls, failure: Failure, job_id: str) -> JobExecutionException:
        return cls(str(failure), job_id, failure)

    @property
    def failure(self) -> Failure:
        # A script's own subclass may have left out __init__.
        return self.__dict__.get("_failure") or Failure.of_text(str(self))

    @property
    def __cause__(self) -> BaseException | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        known = cause_of(self)
        failure: Failure | None = self.__dict__.get("_failure")
        if known is not None or failure is None or failure.exception is None:
            return known
        # Built only when asked for: it is an object of the user's class, which may have a destructor.
        from stream_engine.failures.remote_exception import cause_rebuilt

        set_cause(self, cause_rebuilt(failure))
        return cause_of(self)

    @__cause__.setter
    def __cause__(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, cause: BaseException | None
    ) -> None:
        set_cause(self, cause)

    def get_job_id(self) -> str:
        return self.jobID

    getJobID = get_job_id


class JobCancelledException(JobExecutionException):
    """A signal stopped the job before it had finished; ``signal`` is its number.

    ``savepoint`` is the path of the savepoint with which the job stopped; None: it stopped without one.
    """

    def __init__(self, message: str, job_id: str, signal: int, savepoint: str | None = None) -> None:
        super().__init__(message, job_id)
        self.signal = signal
        self.savepoint = savepoint


class InvalidProgramException(Exception):
    """The script asked for something that cannot be run; raised at the API call, before anything has run."""


class ClusterUnusable(Exception):
    """A job cannot be run where it was to run; raised before anything of it has been. It is the caller's to mend."""


class Executor(Protocol):
    """Runs a plan to its end. The launcher chooses one; ``execute()`` of an environment calls it."""

    def execute(self, graph: StreamGraph, configuration: Configuration, job_name: str) -> JobExecutionResult:
        """Runs the plan; returns when the job has finished.

        Raises JobExecutionException if it failed, JobCancelledException if it was stopped, InvalidProgramException if
        it cannot be run at all, ClusterUnusable if the cluster cannot run it.
        """
        ...
