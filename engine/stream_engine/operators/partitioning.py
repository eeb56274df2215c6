"""Chooses the subtask that a record goes to."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from stream_engine.graph.partitioners import Hash, HashPartial, Rebalance, Shuffle
from stream_engine.operators.keys import key_call
from stream_engine.operators.stable_hash import StableTargets
from stream_engine.operators.writer import write_key

if TYPE_CHECKING:
    from stream_engine.graph.partitioners import Partitioner
    from stream_engine.operators.code import Code
    from stream_engine.operators.writer import ChainWriter


class _RoundRobin:
    __slots__ = ("next",)

    def __init__(self, begin: int) -> None:
        self.next = begin


def write_target(
    chain: ChainWriter,
    record: str,
    partitioner: Partitioner,
    receiver: int,
    width: int,
    sender: int,
    stable: bool = False,
) -> str:
    """Writes the choice for ``record`` among ``width`` subtasks; returns the name of the variable with its index.

    For partitioners that choose one subtask: neither Forward nor Broadcast. ``receiver`` is the operator that needs
    keys, to which errors in them belong; ``sender`` is the index of the subtask that the code is for. With
    ``stable`` keys need no common hash seed.
    """
    code = chain.code
    target = code.fresh("target")
    if isinstance(partitioner, Hash):
        with code.operator(receiver, record):
            key = write_key(chain, record, key_call(partitioner.key))
            code.line(f"{target} = {_of_key(code, key, width, stable)}", "hash")
    elif isinstance(partitioner, HashPartial):
        code.line(f"{target} = {_of_key(code, f'{record}[1]', width, stable)}", "hash")
    elif isinstance(partitioner, Shuffle):
        code.line(f"{target} = int({code.bind('random', random.random)}() * {width})")
    else:
        assert isinstance(partitioner, Rebalance)
        # Each sender begins with another receiver, so that not all of them load the same one.
        turn = code.bind("turn", _RoundRobin(sender % width))
        code.line(f"{target} = {turn}.next")
        code.line(f"{turn}.next = {target} + 1 if {target} < {width - 1} else 0")
    return target


def _of_key(code: Code, key: str, width: int, stable: bool) -> str:
    """The expression for the index of the subtask that has a key."""
    return f"{code.bind('targets', StableTargets(width))}[{key}]" if stable else f"hash({key}) % {width}"
