"""Accumulators on their way from the workers to the job's result."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from stream_engine.job import JobExecutionException
from stream_engine.operators.accumulators import Accumulators
from stream_engine.pickling import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable


def packed(accumulators: Accumulators) -> bytes:
    """All accumulators of a worker; empty when there are none. Raises TypeError when one cannot be pickled."""
    if not accumulators.by_name:
        return b""
    try:
        return dumps(accumulators.by_name)
    except Exception as error:
        raise TypeError(f"an accumulator cannot be sent to the script, as it cannot be pickled ({error})") from error


def results(payloads: Iterable[bytes], job_id: str) -> dict[str, Any]:
    """The final values by name, of what the workers have ``packed``.

    Raises JobExecutionException when the accumulators of a name cannot be merged; its cause tells why.
    """
    try:
        accumulators = Accumulators()
        for payload in filter(None, payloads):
            for name, several in pickle.loads(payload).items():
                for accumulator in several:
                    accumulators.add(name, accumulator)
        return {name: accumulator.getLocalValue() for name, accumulator in accumulators.merged().items()}
    except Exception as error:
        summary = f"{type(error).__name__}: {error}\n  while the accumulators of the workers were merged"
        raise JobExecutionException(summary, job_id) from error
