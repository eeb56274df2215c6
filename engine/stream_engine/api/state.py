"""Descriptors of keyed state, with which a function asks its runtime context for it.

A second argument that names a type is taken, as in Flink, and not needed: state holds Python objects.
"""

from __future__ import annotations

from typing import Any


class StateDescriptor:
    """The name of a state, unique within its operator."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get_name(self) -> str:
        return self.name

    getName = get_name


class ValueStateDescriptor(StateDescriptor):
    """One value per key; ``default`` for a key that has none yet."""

    def __init__(self, name: str, type_info: Any = None, default: Any = None) -> None:
        super().__init__(name)
        self.default = default


class ListStateDescriptor(StateDescriptor):
    """A list per key."""

    def __init__(self, name: str, type_info: Any = None) -> None:
        super().__init__(name)


class MapStateDescriptor(StateDescriptor):
    """A dict per key."""

    def __init__(self, name: str, key_type_info: Any = None, value_type_info: Any = None) -> None:
        super().__init__(name)


class AggregatingStateDescriptor(StateDescriptor):
    """One result per key, of all that was added; ``aggregate_function`` is an AggregateFunction."""

    def __init__(self, name: str, aggregate_function: Any, type_info: Any = None) -> None:
        super().__init__(name)
        self.aggregate_function = aggregate_function


class ReducingStateDescriptor(StateDescriptor):
    """One value per key; ``reduce_function``, a ReduceFunction or a callable, combines it with each that is added."""

    def __init__(self, name: str, reduce_function: Any, type_info: Any = None) -> None:
        super().__init__(name)
        self.reduce_function = reduce_function
