"""Plans as text."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from drawn import drawn, loop, minus_one, split_and_union, windowed, word_count

from stream_engine.api.environment import PythonStreamExecutionEnvironment
from stream_engine.configuration import Configuration
from stream_engine.graph.job_graph import job_graph
from stream_engine.graph.render import render


def text(lines: str) -> str:
    return dedent(lines).strip("\n")


def test_a_chain_goes_straight_down() -> None:
    assert drawn(word_count, "text", name="Word count") == text("""
        Word count: 1 task on 1 worker

        Task 1, parallelism 1
          Source: from_elements
          Flat Map: Tokenizer
          Reduce: Sum
          Sink: output()
    """)


def test_what_moves_to_other_workers_says_how() -> None:
    assert drawn(word_count, "text", 2) == text("""
        Job: 3 tasks on 2 workers

        Task 1, parallelism 1
          Source: from_elements
          └─ REBALANCE → Task 2, parallelism 2
               Flat Map: Tokenizer
               └─ HASH → Task 3, parallelism 2
                    Reduce: Sum
                    Sink: output()
    """)


def test_a_windowed_reduce_shows_its_local_half() -> None:
    assert drawn(windowed, "text", 2) == text("""
        Job: 3 tasks on 2 workers

        Task 1, parallelism 1
          Source: from_elements
          └─ REBALANCE → Task 2, parallelism 2
               Flat Map: Tokenizer
               Window Reduce: Sum (local)
               └─ HASH → Task 3, parallelism 2
                    Window Reduce: Sum
                    Sink: output()
    """)


def test_branches_say_which_names_they_select_and_where_they_join() -> None:
    assert drawn(split_and_union, "text", 2) == text("""
        Job: 2 tasks on 2 workers

        Task 1, parallelism 2
          Source: 1..9
          Split: Parity
          ├─ [even] Map: minus_one
          │  └─ BROADCAST → Task 2, parallelism 2
          │       Map: minus_one
          │       Sink: output(all)
          ├─ [odd, none] Sink: output(odd)
          └─ BROADCAST [odd, none] → Task 2, parallelism 2 (above)
    """)


def test_a_loop_comes_back_to_its_beginning() -> None:
    assert drawn(loop, "text", 2) == text("""
        Job: 2 tasks on 2 workers

        Task 1, parallelism 1
          Source: from_elements
          └─ REBALANCE → Task 2, parallelism 2
               Iteration
               Map: minus_one
               ├─ Filter: is_positive
               │  └─ feedback FORWARD → Task 2, parallelism 2 (above)
               └─ Filter: is_done
                  Sink: output()
    """)


def test_streams_that_do_not_meet_stand_one_below_the_other() -> None:
    def two(env: Any) -> None:
        env.from_elements(1).output("a")
        env.from_elements(2).output("b")

    assert drawn(two, "text") == text("""
        Job: 2 tasks on 1 worker

        Task 1, parallelism 1
          Source: from_elements
          Sink: output(a)

        Task 2, parallelism 1
          Source: from_elements
          Sink: output(b)
    """)


def test_operators_have_the_line_of_the_script_that_made_them() -> None:
    env = PythonStreamExecutionEnvironment(None, Configuration())  # pyright: ignore[reportArgumentType]
    env.generate_sequence(1, 2).output()
    line = test_operators_have_the_line_of_the_script_that_made_them.__code__.co_firstlineno + 2

    lines = render(job_graph(env.graph, 1), "Job", "text").splitlines()

    assert lines[-2:] == [f"  Source: 1..2  (test_tree.py:{line})", f"  Sink: output()  (test_tree.py:{line})"]


def test_an_operator_is_one_line_whatever_its_name() -> None:
    def named(env: Any) -> None:
        env.from_elements(1).map(minus_one).name("two\nlines").output()

    assert "  two lines\n" in drawn(named, "text", name="a\njob")
    assert drawn(named, "text", name="a\njob").startswith("a job: ")


def test_a_chain_of_very_many_operators_can_be_drawn() -> None:
    def long(env: Any) -> None:
        stream = env.from_elements(1)
        for _ in range(2000):
            stream = stream.map(minus_one)

    assert drawn(long, "text").count("Map: minus_one") == 2000
