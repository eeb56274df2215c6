"""Plans as Mermaid flowcharts."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from drawn import Parity, drawn, loop, minus_one, split_and_union


def test_a_task_is_drawn_as_a_frame_and_an_exchange_as_an_arrow() -> None:
    expected = """
        flowchart LR
          subgraph task_1["Task 1, parallelism 2"]
            operator_1["Source: 1..9"]
            operator_2["Split: Parity"]
            operator_3["Map: minus_one"]
            operator_6["Sink: output(odd)"]
            operator_1 --> operator_2
            operator_2 -->|"[even]"| operator_3
            operator_2 -->|"[odd, none]"| operator_6
          end
          subgraph task_2["Task 2, parallelism 2"]
            operator_4["Map: minus_one"]
            operator_5["Sink: output(all)"]
            operator_4 --> operator_5
          end
          operator_3 ==>|"BROADCAST"| operator_4
          operator_2 ==>|"BROADCAST [odd, none]"| operator_4
    """
    assert drawn(split_and_union, "mermaid", 2) == dedent(expected).strip("\n")


def test_feedback_is_dotted() -> None:
    assert '  operator_4 -.->|"feedback FORWARD"| operator_2' in drawn(loop, "mermaid", 2).splitlines()


def test_characters_that_mean_something_to_mermaid_are_written_as_codes() -> None:
    def odd_names(env: Any) -> None:
        numbers = env.from_elements(1).map(minus_one).name('1. "a" <b> #35; &amp; `c` \\d\ne').split(Parity())
        numbers.select('x"|y').map(minus_one)

    drawing = drawn(odd_names, "mermaid")

    name = '["1#46; #34;a#34; #60;b#62; #35;35; #38;amp; #96;c#96; #92;d e"]'
    assert f"operator_2{name}" in drawing
    assert 'operator_3 -->|"[x#34;|y]"| operator_4' in drawing
