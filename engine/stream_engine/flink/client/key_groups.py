"""Flink's assignment of keys to subtasks, for the rows of one int that elements have as their keys."""

from __future__ import annotations

_MASK = 0xFFFFFFFF


def subtask_keys(width: int, groups: int) -> list[int]:
    """For each of ``width`` subtasks the smallest int that Flink sends to it, where there are ``groups`` key groups."""
    found: dict[int, int] = {}
    number = 0
    while len(found) < width:
        found.setdefault(key_group(number, groups) * width // groups, number)
        number += 1
    return [found[index] for index in range(width)]


def key_group(number: int, groups: int) -> int:
    """That of a row whose only field is ``number``."""
    return _scattered(number + 62) % groups


def _scattered(code: int) -> int:
    """What Flink makes of the hash of a key: MurmurHash3 of one int."""
    code = code * 0xCC9E2D51 & _MASK
    code = _rotated(code, 15) * 0x1B873593 & _MASK
    code = (_rotated(code, 13) * 5 + 0xE6546B64 & _MASK) ^ 4
    code ^= code >> 16
    code = code * 0x85EBCA6B & _MASK
    code ^= code >> 13
    code = code * 0xC2B2AE35 & _MASK
    code ^= code >> 16
    # As a signed int, made positive.
    if code < 0x80000000:
        return code
    return 0 if code == 0x80000000 else 0x100000000 - code


def _rotated(code: int, bits: int) -> int:
    return (code << bits | code >> 32 - bits) & _MASK
