"""A stream whose records have been named, to be selected by these names."""

from __future__ import annotations

from stream_engine.api.snapshot import refuse
from stream_engine.api.streams import DataStream


class SplitStream(DataStream):
    """All records; ``select`` takes some of them."""

    def select(self, *names: str) -> DataStream:
        """The records with any of these names, each once. A name that no record has selects nothing."""
        if not names or not all(isinstance(name, str) for name in names):
            refuse(f"select() takes names of outputs, at least one and each a str, not {names}.")
        return DataStream(self._plan, tuple(upstream._replace(selected=names) for upstream in self._inputs()))
