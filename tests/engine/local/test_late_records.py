"""What a running job says of records that it has dropped as late."""

from __future__ import annotations

from typing import Any

import pytest

from stream_engine.configuration import Configuration
from stream_engine.graph import specs
from stream_engine.graph.functions import UserFunction
from stream_engine.graph.job_graph import JobGraph, job_graph
from stream_engine.graph.stream_graph import StreamGraph, Upstream
from stream_engine.local import late_records
from stream_engine.local.late_records import LateRecords

F = UserFunction(b"", "f", None)
WINDOWS = specs.WindowReduce(specs.TimeWindows(10, 10, event_time=True), F)


def graph_of(source: specs.Operator) -> JobGraph:
    graph = StreamGraph()
    graph.add(source, "source")
    graph.add(specs.AssignTimestamps(F), "times", (Upstream(0),))
    graph.add(WINDOWS, "one", (Upstream(1),), key=F)
    graph.add(WINDOWS, "other", (Upstream(1),), key=F)
    return job_graph(graph, 1)


def test_a_long_job_warns_of_each_operator_once_and_gives_all_figures_at_its_end(
    capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = LateRecords(graph_of(specs.SequenceSource(1, 9)), Configuration())

    def said() -> list[str]:
        late.tick()
        return [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]

    late.on_report(0, 2, 5)
    assert said() == []
    monkeypatch.setattr(late_records, "_PATIENCE", 0)
    assert said() == ["'one' dropped 5 late records so far"]
    late.on_report(1, 2, 1000)
    late.on_report(1, 3, 1)
    assert said() == ["'other' dropped 1 late record so far"]
    late.begin_attempt()
    late.on_report(0, 2, 6)
    late.on_report(1, 2, 2000)
    assert said() == []
    late.close()
    assert capsys.readouterr().err == "'one' dropped 2,006 late records\n"


@pytest.mark.parametrize(
    ("source", "held", "named"),
    [
        (specs.TextFileSource("in"), False, True),
        (specs.TextFileSource("in"), True, False),
        (specs.SequenceSource(1, 9), False, False),
    ],
)
def test_the_remedy_for_files_is_named_where_files_are_read(
    source: specs.Operator, held: bool, named: bool, capsys: Any
) -> None:
    late = LateRecords(graph_of(source), Configuration({"source.file.hold-watermarks": held}))
    late.on_report(0, 2, 5)
    late.close()
    said = capsys.readouterr().err
    assert said.startswith("'one' dropped 5 late records: ")
    assert ("-D source.file.hold-watermarks=true" in said) == named
