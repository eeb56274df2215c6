"""Keys are those that Flink itself sends to the subtasks. What is expected here, its own classes have said."""

from __future__ import annotations

import pytest

from stream_engine.flink.client.key_groups import key_group, subtask_keys


@pytest.mark.parametrize(
    ("number", "group"),
    [
        (0, 19617),
        (1, 15916),
        (2, 30305),
        (63, 234),
        (65_535, 10732),
        (123_456_789, 17861),
        (2**31 - 1, 4795),
        (-1, 13374),
        (-62, 31198),
        (-123_456, 32734),
    ],
)
def test_a_number_has_the_key_group_that_flink_gives_it(number: int, group: int) -> None:
    assert key_group(number, 32_768) == group


def test_each_subtask_has_the_first_number_that_flink_sends_there() -> None:
    assert subtask_keys(1, 128) == [0]
    assert subtask_keys(3, 128) == [0, 1, 2]
    assert subtask_keys(8, 128) == [19, 4, 0, 14, 22, 8, 2, 6]
    assert subtask_keys(100, 256)[::9] == [89, 95, 181, 50, 132, 24, 23, 87, 156, 35, 3, 67]


@pytest.mark.parametrize(("width", "groups"), [(5, 128), (64, 128), (1_000, 2_048)])
def test_all_subtasks_have_a_number_of_their_own(width: int, groups: int) -> None:
    keys = subtask_keys(width, groups)

    assert [key_group(key, groups) * width // groups for key in keys] == list(range(width))
