"""The settings of a job, as functions see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_engine.beans import with_properties
from stream_engine.configuration.options import DEFAULT_PARALLELISM, OBJECT_REUSE, WATERMARK_INTERVAL

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration

MAX_PARALLELISM = 32768
"""The largest parallelism; there are no key groups that would limit it."""


@with_properties
class ExecutionConfig:
    """A view of the job's Configuration under the names of Flink's ExecutionConfig; changes nothing."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def get_parallelism(self) -> int:
        """The parallelism of operators that set none themselves."""
        return self._configuration.get(DEFAULT_PARALLELISM)

    def get_max_parallelism(self) -> int:
        return MAX_PARALLELISM

    def get_auto_watermark_interval(self) -> int:
        """In ms."""
        return self._configuration.get(WATERMARK_INTERVAL)

    def is_object_reuse_enabled(self) -> bool:
        return self._configuration.get(OBJECT_REUSE)

    def get_global_job_parameters(self) -> Configuration:
        """The whole configuration, the script's own keys included."""
        return self._configuration.copy()

    getParallelism = get_parallelism
    getMaxParallelism = get_max_parallelism
    getAutoWatermarkInterval = get_auto_watermark_interval
    isObjectReuseEnabled = is_object_reuse_enabled
    getGlobalJobParameters = get_global_job_parameters
