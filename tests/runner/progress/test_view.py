"""What the live view shows of a job, and how it fits a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len
from statuses import graph_of, status_of, word_count

from pyflink_stream.progress.layout import Painter, bar, fitted, padded
from pyflink_stream.progress.rates import Rates
from pyflink_stream.progress.view import view
from stream_engine.status import CheckpointStatus, Progress

if TYPE_CHECKING:
    from stream_engine.status import JobStatus

GRAPH = graph_of(word_count)


def shown(*statuses: JobStatus, columns: int = 80, rows: int = 24) -> list[str]:
    rates, long_rates = Rates(10), Rates(60)
    for status in statuses:
        rates.add(status)
        long_rates.add(status)
    lines = view(statuses[-1], rates, long_rates, (columns, rows))
    # The last column stays empty.
    assert all(sum(cell_len(text) for text, _ in line) < max(2, columns) for line in lines)
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def test_a_task_has_its_operators_records_rate_and_shares() -> None:
    before = status_of(GRAPH, {}, {}, time=1_700_000_009_000)
    source = {"records_in": 1000, "records_out": 60_000, "busy": 400, "backpressured": 500, "idle": 100}
    after = status_of(GRAPH, source, {"records_in": 60_000, "records_written": 99, "busy": 950, "idle": 50})

    header, titles, first, second = shown(before, after)

    assert header == " A job  running  0:10"
    assert titles.split() == ["task", "×", "in", "out", "rec/s", "busy", "backpr."]
    assert first.split() == ["text.txt", "→", "Flat", "Map", "×2", "2.00k", "120k", "2.00k", "██", "40%", "██▌", "50%"]
    assert second.split() == ["Reduce", "→", "output", "×2", "120k", "198", "120k", "████▊", "95%", "0%"]


def test_a_wide_terminal_shows_the_names_as_they_are() -> None:
    rows = shown(status_of(GRAPH), columns=140)
    assert rows[2].startswith(" Source: /data/text.txt → Flat Map: <lambda>  ")
    assert rows[3].startswith(" Reduce: <lambda> → Sink: output()  ")


def test_a_bounded_source_has_a_bar_and_the_time_left() -> None:
    before = status_of(GRAPH, {"progress": Progress(0, 50_000, "bytes")}, time=1_700_000_008_000)
    after = status_of(GRAPH, {"progress": Progress(10_000, 50_000, "bytes")})
    line = shown(before, after)[-1]
    assert line.split("  ")[0] == " text.txt"
    assert "20%" in line
    assert "0:08 left" in line
    assert line.endswith("20.0 kB of 100 kB")
    assert line.count("━") == pytest.approx((line.count("━") + line.count("─")) / 5, abs=1)


def test_a_source_at_its_end_has_no_bar() -> None:
    done = {"progress": Progress(10, 10, "records"), "finished": True}
    rows = shown(status_of(GRAPH, done))
    assert len(rows) == 4
    assert "done" in rows[2]


def test_an_endless_source_shows_how_far_it_is_behind() -> None:
    assert "text.txt: 1.23k records behind" in "\n".join(shown(status_of(GRAPH, {"lag": 617})))
    assert "behind" not in "\n".join(shown(status_of(GRAPH, {"lag": 617, "finished": True})))


def test_watermarks_are_shown_when_there_are_any() -> None:
    assert "watermark" not in shown(status_of(GRAPH), columns=140)[1]
    rows = shown(status_of(GRAPH, {}, {"watermark": 900}), columns=140)
    assert "watermark" in rows[1]
    assert rows[3].endswith(" 900")


def test_checkpoints_and_restarts_are_shown_when_there_are_any() -> None:
    checkpoints = (
        CheckpointStatus(1, "COMPLETED", 1_700_000_001_000, 300, 1_500),
        CheckpointStatus(2, "FAILED", 1_700_000_003_000, 300),
        CheckpointStatus(3, "COMPLETED", 1_700_000_004_500, 500, 2_500_000),
        CheckpointStatus(4, "IN_PROGRESS", 1_700_000_009_000),
    )
    rows = shown(status_of(GRAPH, checkpoints=checkpoints, restarts=2), columns=120)
    assert rows[0].endswith("restarted 2×")
    assert rows[-1] == (" 2 checkpoints, the last 0:05 ago: 2.50 MB in 0.50 s, 1 failed, one in progress for 1.00 s")


def many(env: Any) -> None:
    for number in range(30):
        env.generate_sequence(0, number).name(f"source {number}").union(env.from_elements(1)).map(str).add_sink(print)


@pytest.mark.parametrize("rows", [3, 4, 8, 24, 200])
@pytest.mark.parametrize("columns", [1, 10, 30, 50, 80, 140])
def test_it_fits_whatever_the_size_of_the_terminal(columns: int, rows: int) -> None:
    busy = {"watermark": 5, "busy": 10, "idle": 1, "progress": Progress(1, 2, "records")}
    graph = graph_of(many)
    status = status_of(graph, *(busy for _ in graph.tasks), checkpoints=(CheckpointStatus(1, "IN_PROGRESS", 0),))
    lines = shown(status, columns=columns, rows=rows)
    assert len(lines) < rows
    if columns >= 30 and 8 <= rows < 200:
        assert any("more tasks" in line for line in lines)


def test_where_there_is_no_room_for_all_tasks_the_busiest_are_shown() -> None:
    graph = graph_of(many, parallelism=1)
    idle = {"busy": 10, "idle": 90, "progress": Progress(1, 2, "records")}
    shares: list[dict[str, Any]] = [idle for _ in graph.tasks]
    shares[80] = shares[89] = {"busy": 100}
    shares[50] = {**idle, "busy": 11, "idle": 89}
    rows = shown(status_of(graph, time=1_700_000_009_000), status_of(graph, *shares), rows=10)
    assert len(rows) == 9
    assert ["100%" in row for row in rows[2:7]] == [False, False, True, True, False]
    assert [" 10% " in row for row in rows[2:4]] == [True, True]
    assert rows[6:] == [" … and 86 more tasks", *rows[7:8], " … and 87 more sources"]


def test_a_name_without_end_leaves_room_for_the_state_and_the_time() -> None:
    header = shown(status_of(GRAPH, name="name " * 50, restarts=3))[0]
    assert header.startswith(" name name ")
    assert header.endswith("…  running  0:10  restarted 3×")


def test_a_narrow_terminal_keeps_what_matters_most() -> None:
    titles = {columns: shown(status_of(GRAPH), columns=columns)[1].split() for columns in (80, 60, 50, 40)}
    assert titles[80] == ["task", "×", "in", "out", "rec/s", "busy", "backpr."]
    assert titles[60] == ["task", "×", "in", "out", "rec/s", "busy"]
    assert titles[50] == ["task", "in", "out", "rec/s", "busy"]
    assert titles[40] == ["task", "rec/s", "busy"]


def test_wide_characters_take_their_two_columns() -> None:
    graph = graph_of(lambda env: env.from_elements(1).map(str).name("数" * 60).output())
    for columns in (40, 60, 81, 82):
        shown(status_of(graph), columns=columns)


@pytest.mark.parametrize(
    ("share", "text"), [(0, "    "), (0.001, "    "), (0.01, "▏   "), (0.5, "██  "), (0.53, "██▏ "), (2, "████")]
)
def test_bars(share: float, text: str) -> None:
    assert bar(share, 4) == text


def test_text_is_cut_by_the_columns_it_takes() -> None:
    assert (fitted("数数数", 5), fitted("abc", 3), fitted("abcd", 3), fitted("abc", 0)) == ("数数…", "abc", "ab…", "")
    assert (padded("ab", 4), padded("ab", 4, right=True), padded("数数数", 4)) == ("ab  ", "  ab", "数… ")


def test_a_terminal_without_unicode_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        encoding = "latin-1"

        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stderr", Terminal())
    assert Painter().paint([("█▌▏ a → b ×2 … 数", "")]) == "##- a > b x2 ~ ?"
