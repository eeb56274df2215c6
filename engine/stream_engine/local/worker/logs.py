"""Log records of a worker, on their way to the script's process. Few jobs log, so ``logging`` is imported late."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stream_engine.local.worker.log_forwarder import Speaker

_WARNING = 30


def forward(speaker: Speaker, levels: dict[str, int] | None) -> None:
    """Sends what is logged from now on to the script's process, in which loggers have these ``levels``.

    If logging was configured neither there (None) nor here, it sends what Python would write to standard error.
    """
    if levels is not None:
        from stream_engine.local.worker.log_forwarder import forward_all

        forward_all(speaker, levels)
    elif "logging" in sys.modules and not sys.modules["logging"].getLogger().handlers:
        sys.modules["logging"].getLogger().handlers.append(_Unused(speaker))


class _Unused:
    """A handler of warnings; the first one replaces it by a Forwarder, which takes longer to make."""

    level = _WARNING

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker

    def handle(self, record: Any) -> None:
        import logging

        from stream_engine.local.worker.log_forwarder import Forwarder

        forwarder = Forwarder(self._speaker)
        forwarder.setLevel(self.level)
        handlers: list[Any] = logging.getLogger().handlers
        handlers[:] = [forwarder if handler is self else handler for handler in handlers]
        forwarder.handle(record)

    def close(self) -> None:
        """Called by a ``basicConfig`` that is forced."""
