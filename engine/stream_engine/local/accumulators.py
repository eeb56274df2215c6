"""Accumulators on their way from the workers to the job's result."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from stream_engine.job import JobExecutionException
from stream_engine.operators.accumulators import Accumulators
from stream_engine.pickling import dumps
from stream_engine.report import failure_of

if TYPE_CHECKING:
    from collections.abc import Iterable


def packed(accumulators: Accumulators) -> bytes:
    """All accumulators of a worker; empty if there are none. Raises TypeError if one cannot be pickled."""
    if not accumulators.by_name:
        return b""
    try:
        return dumps(accumulators.by_name)
    except Exception as error:
        raise TypeError(f"{_unsendable(accumulators)}, as it cannot be pickled ({error})") from error


def _unsendable(accumulators: Accumulators) -> str:
    for name, several in accumulators.by_name.items():
        try:
            dumps(several)
        except Exception:
            return f"the accumulator {name!r} cannot be sent to the script"
    return "an accumulator cannot be sent to the script"


def results(payloads: Iterable[bytes], job_id: str) -> dict[str, Any]:
    """The final values by name, from what the workers have ``packed``.

    Raises JobExecutionException when the accumulators of a name cannot be merged; its cause tells why.
    """
    try:
        accumulators = Accumulators()
        for payload in filter(None, payloads):
            for name, several in pickle.loads(payload).items():
                for accumulator in several:
                    accumulators.add(name, accumulator)
        return {name: accumulator.getLocalValue() for name, accumulator in accumulators.merged().items()}
    except BaseException as error:
        if _ends_the_script(error):
            raise
        failure = failure_of(error)
        place = "  while the accumulators of the workers were merged"
        raised = failure.raised._replace(more=(*failure.raised.more, place))
        raise JobExecutionException.of(failure._replace(raised=raised), job_id) from error


def _ends_the_script(error: BaseException) -> bool:
    """Whether a signal raised it, and not the code of an accumulator."""
    if issubclass(type(error), SystemExit):
        return isinstance(code := getattr(error, "code", None), int) and code > 128
    return issubclass(type(error), KeyboardInterrupt)
