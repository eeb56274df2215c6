"""The settings of an operator that a script can make after creating it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from stream_engine.api.capture.snapshot import refuse
from stream_engine.api.plan import PartOfPlan
from stream_engine.graph.specs import ClientSource, CollectionSource, SocketTextSource

if TYPE_CHECKING:
    from stream_engine.graph.stream_graph import StreamNode

Settings = TypeVar("Settings", bound="OperatorSettings")

_INDIVISIBLE = (CollectionSource, ClientSource, SocketTextSource)


class OperatorSettings(PartOfPlan):
    """Parallelism, name and uid of the operator that made a stream, or that ends it. Each returns its own stream."""

    def __init__(self, node: StreamNode | None) -> None:
        self._node = node

    def set_parallelism(self: Settings, parallelism: int) -> Settings:
        """How many instances of the operator run, from 1."""
        check_parallelism(parallelism)
        node = self._own("set_parallelism")
        if parallelism > 1 and isinstance(node.operator, _INDIVISIBLE):
            refuse(f"{node.name!r} cannot be divided: its parallelism is 1, not {parallelism}.")
        node.parallelism = parallelism
        return self

    def name(self: Settings, name: str) -> Settings:
        """The name of the operator in reports."""
        self._own("name").name = str(name)
        return self

    def uid(self: Settings, uid: str) -> Settings:
        """The unique id by which the operator's state is found again when the script has changed."""
        if not isinstance(uid, str) or not uid:
            refuse(f"A uid is a str that is not empty, not {uid!r}.")
        self._own("uid").uid = uid
        return self

    def _own(self, setting: str) -> StreamNode:
        if self._node is None:
            refuse(
                f"{setting}() belongs to an operator, and this {type(self).__name__} only says how records travel: "
                "call it on the operator before or after."
            )
        return self._node


class DataStreamSink(OperatorSettings):
    """The end of a stream."""


def check_parallelism(parallelism: object) -> None:
    """Raises InvalidProgramException unless it is a whole number of at least 1."""
    if not isinstance(parallelism, int) or isinstance(parallelism, bool) or parallelism < 1:
        refuse(f"Parallelism must be a whole number of at least 1, not {parallelism!r}.")
