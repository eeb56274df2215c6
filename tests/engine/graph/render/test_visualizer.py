"""Plans as the JSON of Flink's plan visualizer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from drawn import drawn, loop, minus_one, split_and_union, word_count

if TYPE_CHECKING:
    from collections.abc import Callable


def nodes(plan: Callable[[Any], None], parallelism: int) -> list[dict[str, Any]]:
    drawing = json.loads(drawn(plan, "json", parallelism))
    assert list(drawing) == ["nodes"]
    return drawing["nodes"]


def node(number: int, name: str, pact: str, parallelism: int, task: int, *predecessors: Any) -> dict[str, Any]:
    fields = {"id": number, "type": name, "pact": pact, "contents": name, "parallelism": parallelism, "task": task}
    return {**fields, **({"predecessors": list(predecessors)} if predecessors else {})}


def from_(number: int, strategy: str, side: str = "first", **more: Any) -> dict[str, Any]:
    return {"id": number, "ship_strategy": strategy, "side": side, **more}


def test_each_operator_is_a_node_that_names_its_predecessors() -> None:
    assert nodes(word_count, 2) == [
        node(1, "Source: from_elements", "Data Source", 1, 1),
        node(2, "Flat Map: Tokenizer", "Operator", 2, 2, from_(1, "REBALANCE")),
        node(3, "Reduce: Sum", "Operator", 2, 3, from_(2, "HASH")),
        node(4, "Sink: output()", "Data Sink", 2, 3, from_(3, "FORWARD")),
    ]


def test_operators_of_one_task_are_joined_by_forward_edges() -> None:
    assert [each["task"] for each in nodes(word_count, 1)] == [1, 1, 1, 1]
    assert [each["predecessors"][0]["ship_strategy"] for each in nodes(word_count, 1)[1:]] == ["FORWARD"] * 3


def test_a_union_has_two_sides_and_a_split_the_names_that_are_selected() -> None:
    odd: dict[str, Any] = {"selected": ["odd", "none"]}
    assert nodes(split_and_union, 2)[2:] == [
        node(3, "Map: minus_one", "Operator", 2, 1, from_(2, "FORWARD", selected=["even"])),
        node(4, "Map: minus_one", "Operator", 2, 2, from_(3, "BROADCAST"), from_(2, "BROADCAST", "second", **odd)),
        node(5, "Sink: output(all)", "Data Sink", 2, 2, from_(4, "FORWARD")),
        node(6, "Sink: output(odd)", "Data Sink", 2, 1, from_(2, "FORWARD", **odd)),
    ]


def test_a_loop_is_a_circle_of_predecessors() -> None:
    head = nodes(loop, 2)[1]

    assert head == node(
        2, "Iteration", "Operator", 2, 2, from_(1, "REBALANCE"), from_(4, "FORWARD", "second", feedback=True)
    )


def test_names_can_have_any_character() -> None:
    def odd(env: Any) -> None:
        env.from_elements(1).map(minus_one).name('"é\\\n\x01').output()

    assert nodes(odd, 1)[1]["type"] == '"é\\'
