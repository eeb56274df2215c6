"""Plans in the language of Graphviz."""

from __future__ import annotations

import shutil
import subprocess
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from drawn import Parity, drawn, loop, minus_one, split_and_union, windowed, word_count
from launched import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable


def odd_names(env: Any) -> None:
    numbers = env.from_elements(1).map(minus_one).name('a "b"\\n & <c> &#35;]\nd').split(Parity())
    numbers.select('e"}').output()


def test_a_task_is_drawn_as_a_frame_and_an_exchange_as_an_edge() -> None:
    expected = """
        digraph "Word \\"count\\"" {
          rankdir=LR;
          node [shape=box];
          subgraph cluster_1 {
            label="Task 1, parallelism 1";
            operator_1 [label="Source: from_elements"];
          }
          subgraph cluster_2 {
            label="Task 2, parallelism 2";
            operator_2 [label="Flat Map: Tokenizer"];
          }
          subgraph cluster_3 {
            label="Task 3, parallelism 2";
            operator_3 [label="Reduce: Sum"];
            operator_4 [label="Sink: output()"];
            operator_3 -> operator_4;
          }
          operator_1 -> operator_2 [label="REBALANCE"];
          operator_2 -> operator_3 [label="HASH"];
        }
    """
    assert drawn(word_count, "dot", 2, 'Word "count"') == dedent(expected).strip("\n")


def test_selected_names_are_on_the_edges() -> None:
    drawing = drawn(split_and_union, "dot", 2)

    assert '    operator_2 -> operator_3 [label="[even]"];\n' in drawing
    assert '  operator_2 -> operator_4 [label="BROADCAST [odd, none]"];\n' in drawing


def test_feedback_is_dashed_and_does_not_turn_the_picture_round() -> None:
    edge = '  operator_4 -> operator_2 [label="feedback FORWARD", style=dashed, constraint=false];\n'
    assert edge in drawn(loop, "dot", 2)


def test_names_are_escaped() -> None:
    assert 'label="a \\"b\\"\\\\n &amp; <c> &amp;#35;] d"' in drawn(odd_names, "dot", 2)


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("plan", [word_count, windowed, split_and_union, loop, odd_names])
def test_graphviz_draws_it(plan: Callable[[Any], None]) -> None:
    drawing = drawn(plan, "dot", 2, 'a "job"')

    done = subprocess.run(["dot", "-Tplain"], input=drawing, capture_output=True, text=True, timeout=PATIENCE)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\nedge ") == drawing.count(" -> ")
