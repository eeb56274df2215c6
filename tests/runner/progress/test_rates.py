"""The rates between two statuses a while apart."""

from __future__ import annotations

import pytest
from statuses import graph_of, status_of, word_count

from pyflink_stream.progress.rates import Rate, Rates
from stream_engine.status import Progress

GRAPH = graph_of(word_count, parallelism=2)


def test_a_rate_is_what_came_in_the_time_that_the_worker_says_has_passed() -> None:
    rates = Rates(10)
    rates.add(status_of(GRAPH, {"records_in": 100, "records_written": 7, "busy": 1000, "idle": 1000}, time=5000))
    after = {"records_in": 1100, "records_out": 50, "records_written": 57, "busy": 1500, "idle": 1300}
    rates.add(status_of(GRAPH, {**after, "backpressured": 200}, time=6100))

    rate = rates.subtask(0, 1)

    assert (rate.records_in, rate.records_out) == (1000, 100)
    assert (rate.busy, rate.backpressured) == (0.5, 0.2)
    assert rate.idle == pytest.approx(0.3)


def test_a_task_adds_up_its_records_and_averages_its_shares() -> None:
    rates = Rates(10)
    rates.add(status_of(GRAPH, {}, time=5000))
    rates.add(status_of(GRAPH, {"records_in": 100, "busy": 250, "idle": 750}, time=6000))
    assert rates.task(0) == Rate(records_in=200, busy=0.25)


def test_what_is_older_than_the_window_no_longer_counts() -> None:
    rates = Rates(2)
    for second in range(10):
        records = 1000 * second if second < 5 else 5000
        rates.add(status_of(GRAPH, {"records_in": records, "idle": 1000 * second}, time=1000 * second))
    assert rates.subtask(0, 0).records_in == 0


def test_there_is_no_rate_before_two_reports_or_after_the_end() -> None:
    rates = Rates(10)
    assert (rates.task(0), rates.subtask(0, 0), rates.seconds_left(0)) == (Rate(), Rate(), None)
    rates.add(status_of(GRAPH, {"records_in": 5}, time=1000))
    assert rates.task(0) == Rate()
    rates.add(status_of(GRAPH, {"records_in": 10, "idle": 1000, "finished": True}, time=2000))
    assert rates.task(0) == Rate()


@pytest.mark.parametrize("change", [{"job_id": "0" * 32}, {"restarts": 1}])
def test_another_job_or_a_restart_begins_anew(change: dict[str, object]) -> None:
    rates = Rates(10)
    rates.add(status_of(GRAPH, {"records_in": 5000, "idle": 9000}, time=9000))
    rates.add(status_of(GRAPH, {"records_in": 10, "idle": 100}, time=9100, **change))
    assert rates.task(0) == Rate()


def test_the_time_left_is_what_the_rest_takes_at_the_pace_of_late() -> None:
    rates = Rates(10)
    rates.add(status_of(GRAPH, {}, time=0))
    rates.add(status_of(GRAPH, {"progress": Progress(10, 100, "bytes")}, time=1000))
    assert rates.seconds_left(0) is None
    rates.add(status_of(GRAPH, {"progress": Progress(30, 100, "bytes")}, time=3000))
    assert rates.seconds_left(0) == 7
