"""The stream at the beginning of a loop."""

from __future__ import annotations

from stream_engine.api.capture.snapshot import refuse
from stream_engine.api.streams import DataStream


class IterativeStream(DataStream):
    """The input of a loop, and all that is fed back."""

    def close_with(self, feedback_stream: DataStream) -> DataStream:
        """Feeds the records of a stream made in this loop back to its beginning; returns that stream."""
        upstreams = self._inputs_from(feedback_stream)
        [head] = self._inputs()
        sources = {upstream.node for upstream in upstreams}
        if head.node in sources:
            refuse("close_with() of the loop's own beginning would feed every record back endlessly: filter() first.")
        for source in sources:
            if head.node not in self._plan.graph.ancestors([source]):
                refuse("close_with() takes a stream that was made from this iteration; this one was not.")
        self._plan.graph.close_loop(head.node, upstreams)
        return feedback_stream
