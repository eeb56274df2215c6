"""Runs plans made at random, and compares what comes out with what they mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from oracle import Oracle
from random_plans import Planner
from record_functions import ORDERLESS

if TYPE_CHECKING:
    from launched import Jobs
    from oracle_streams import Element

    from stream_engine.api.environment import PythonStreamExecutionEnvironment

_LINE = re.compile(r"(\d+)(?::\d+)?> (.*)")


def check_plan(
    jobs: Jobs, made: list[Any], wanted: list[Any], outputs: list[int], parallelism: int, **options: str
) -> None:
    env = jobs.environment(parallelism, pipeline__auto_watermark_interval="1 ms", **options)
    planner = Planner(env, Oracle(env.graph, parallelism, ORDERLESS))
    for source in made:
        planner.source(*source)
    for step in wanted:
        planner.step(*step)
    planner.finish(outputs)
    check_job(jobs, env, planner.oracle)


def check_job(jobs: Jobs, env: PythonStreamExecutionEnvironment, oracle: Oracle) -> None:
    lines, result = jobs.raw_result(env)
    texts: dict[str, list[str]] = {identifier: [] for identifier in oracle.outputs}
    for line in lines:
        identifier, text = _LINE.fullmatch(line).groups()  # pyright: ignore[reportOptionalMemberAccess]
        texts[identifier].append(text)
    for identifier, elements in oracle.outputs.items():
        assert sorted(texts[identifier]) == sorted(element.record for element in elements)
        check_order(texts[identifier], elements)
    assert result.get_accumulator_result("numLateRecordsDropped") == oracle.late_records


def check_order(texts: list[str], elements: list[Element]) -> None:
    """The lines that are only in one lane come in its order."""
    lanes: dict[str, set[Any]] = {}
    for element in elements:
        lanes.setdefault(element.record, set()).add(element.lane)
    expected: dict[Any, list[str]] = {}
    for element in elements:
        if len(lanes[element.record]) == 1:
            expected.setdefault(element.lane, []).append(element.record)
    for lane, ordered in expected.items():
        assert [text for text in texts if lanes[text] == {lane}] == ordered
