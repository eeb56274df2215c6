"""The JSON under Flink's paths, without a server."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from launched import PATIENCE
from statuses import graph_of, status_of, word_count

from pyflink_stream.web.history import JobHistory
from pyflink_stream.web.site import JobSite
from stream_engine.metrics import MetricValue
from stream_engine.status import CheckpointStatus, Progress

if TYPE_CHECKING:
    from stream_engine.status import JobStatus

GRAPH = graph_of(word_count)
JOB = "f" * 32
FIRST, SECOND = f"{1:032x}", f"{2:032x}"


def site_of(*statuses: JobStatus) -> JobSite:
    site = JobSite()
    for status in statuses:
        site.on_status(status)
    return site


def answer(site: JobSite, path: str) -> Any:
    response = site.answer(path, {})
    if response is None:
        return None
    assert response.content_type == "application/json; charset=utf-8"
    return json.loads(response.body)


def test_the_overview_counts_jobs_and_their_workers() -> None:
    assert answer(site_of(), "/overview")["slots-total"] == 0
    ended = status_of(GRAPH, job_id="0" * 32, state="FAILED")
    found = answer(site_of(ended, status_of(GRAPH)), "/overview")
    counts = {key: found[f"jobs-{key}"] for key in ("running", "finished", "cancelled", "failed")}
    assert counts == {"running": 1, "finished": 0, "cancelled": 0, "failed": 1}
    assert (found["slots-total"], found["slots-available"], found["taskmanagers"]) == (2, 0, 1)


def test_jobs_are_listed_with_their_states() -> None:
    site = site_of(status_of(GRAPH, job_id="0" * 32, state="CANCELED"), status_of(GRAPH, {"finished": True}))
    listed = [{"id": "0" * 32, "status": "CANCELED"}, {"id": JOB, "status": "RUNNING"}]
    assert answer(site, "/jobs") == answer(site, "/v1/jobs") == {"jobs": listed}
    (cancelled, running) = answer(site, "/jobs/overview")["jobs"]
    assert (cancelled["end-time"], running["end-time"]) == (1_700_000_010_000, -1)
    assert (running["name"], running["duration"]) == ("A job", 10_000)
    assert (running["tasks"]["total"], running["tasks"]["running"], running["tasks"]["finished"]) == (4, 2, 2)


def test_a_subtask_has_what_its_functions_measure() -> None:
    status = status_of(GRAPH, {"metrics": (MetricValue("Map: M", "words", 5),)}, {})
    first, second = answer(site_of(status), f"/jobs/{JOB}")["vertices"]
    measured = {"operator": "Map: M", "name": "words", "value": 5, "quantile": ""}
    assert first["live"]["subtasks"][0]["metrics"] == [measured]
    assert "metrics" not in second["live"]["subtasks"][0]


def test_a_job_has_its_vertices_with_what_they_have_done() -> None:
    before = status_of(GRAPH, time=1_700_000_008_000, restarts=1)
    source = {"records_in": 100, "records_out": 900, "bytes_out": 50, "busy": 500, "backpressured": 1500}
    progress = Progress(300, 1200, "bytes")
    sink = {"records_in": 900, "records_written": 9, "bytes_in": 50, "queued": 4}
    sink.update({"idle": 2000, "watermark": 77})
    site = site_of(before, status_of(GRAPH, {**source, "progress": progress}, sink, restarts=1, error="too <bad>"))

    job = answer(site, f"/jobs/{JOB}")

    assert (job["jid"], job["name"], job["state"], job["now"]) == (JOB, "A job", "RUNNING", 1_700_000_010_000)
    assert job["live"]["error"] == "too <bad>"
    assert (job["live"]["checkpoint-interval"], job["live"]["history-times"]) == (0, [1_700_000_010_000])
    assert (job["live"]["records-read"], job["live"]["records-written"], job["live"]["restarts"]) == (200, 18, 1)
    first, second = job["vertices"]
    assert (first["id"], first["parallelism"], first["status"]) == (FIRST, 2, "RUNNING")
    assert first["tasks"]["RUNNING"] == 2
    assert first["metrics"]["read-records"] == 200
    assert first["metrics"]["write-records"] == 1800
    assert first["metrics"]["write-records-complete"] is True
    assert first["metrics"]["write-bytes"] == second["metrics"]["read-bytes"] == 100
    assert first["metrics"]["accumulated-busy-time"] == 1000
    assert first["metrics"]["accumulated-backpressured-time"] == 3000
    assert (first["live"]["busy"], first["live"]["backpressured"], first["live"]["idle"]) == (0.25, 0.75, 0)
    assert first["live"]["records-in-per-second"] == 100
    assert first["live"]["progress"] == {"done": 600, "total": 2400, "unit": "bytes"}
    assert second["live"]["watermark"] == 77
    assert second["live"]["subtasks"][1] == {
        "subtask": 1,
        "status": "RUNNING",
        "read-records": 900,
        "write-records": 9,
        "queued": 4,
        "watermark": 77,
        "records-lag": None,
        "numLateRecordsDropped": 0,
        "busy": 0,
        "backpressured": 0,
        "idle": 1,
    }
    assert job["plan"] == answer(site, f"/jobs/{JOB}/plan")["plan"]


def test_late_records_are_counted_for_job_vertex_subtask_and_operator() -> None:
    reduce = GRAPH.tasks[1].head.id
    job = answer(site_of(status_of(GRAPH, {}, {"late": ((reduce, 21),)})), f"/jobs/{JOB}")
    first, second = job["vertices"]
    assert job["live"]["numLateRecordsDropped"] == 42
    assert [vertex["live"]["numLateRecordsDropped"] for vertex in (first, second)] == [0, 42]
    assert [each["numLateRecordsDropped"] for each in second["live"]["subtasks"]] == [21, 21]
    assert second["live"]["operators"] == [
        {"name": "Reduce: <lambda>", "numLateRecordsDropped": 42},
        {"name": "Sink: output()", "numLateRecordsDropped": None},
    ]


def test_the_plan_has_the_tasks_and_how_records_come_to_them() -> None:
    plan = answer(site_of(status_of(GRAPH)), f"/jobs/{JOB}/plan")["plan"]
    assert (plan["jid"], plan["name"], plan["type"]) == (JOB, "A job", "STREAMING")
    first, second = plan["nodes"]
    assert (first["id"], first["inputs"]) == (FIRST, [])
    assert second["description"] == "Reduce: <lambda> -> Sink: output()"
    (way,) = second["inputs"]
    assert (way["num"], way["id"], way["ship_strategy"], way["feedback"]) == (0, FIRST, "HASH", False)


def test_loops_are_told_from_other_ways() -> None:
    def loop(env: Any) -> None:
        iteration = env.from_elements(1).rebalance().iterate()
        iteration.close_with(iteration.map(lambda number: number))

    nodes = answer(site_of(status_of(graph_of(loop))), f"/jobs/{JOB}/plan")["plan"]["nodes"]
    assert [way["feedback"] for way in nodes[1]["inputs"]] == [False, True]


def test_checkpoints_come_with_the_last_one_first() -> None:
    assert answer(site_of(status_of(GRAPH)), f"/jobs/{JOB}/checkpoints")["counts"]["total"] == 0
    checkpoints = (
        CheckpointStatus(1, "COMPLETED", 1000, 30, 500),
        CheckpointStatus(2, "FAILED", 2000, 90),
        CheckpointStatus(3, "COMPLETED", 3000, 50, 900),
        CheckpointStatus(4, "IN_PROGRESS", 4000),
    )
    found = answer(site_of(status_of(GRAPH, checkpoints=checkpoints)), f"/jobs/{JOB}/checkpoints")
    assert found["counts"] == {"restored": 0, "total": 4, "in_progress": 1, "completed": 2, "failed": 1}
    assert found["summary"]["state_size"] == {"min": 500, "max": 900, "avg": 700}
    assert found["summary"]["end_to_end_duration"] == {"min": 30, "max": 50, "avg": 40}
    assert (found["latest"]["completed"]["id"], found["latest"]["failed"]["id"]) == (3, 2)
    assert [each["id"] for each in found["history"]] == [4, 3, 2, 1]
    assert found["history"][1] == found["latest"]["completed"]
    assert (found["history"][1]["latest_ack_timestamp"], found["history"][1]["state_size"]) == (3050, 900)


def test_exceptions_are_the_last_error() -> None:
    site = site_of(status_of(GRAPH, state="FAILED", error="ValueError: bad"))
    assert answer(site, f"/jobs/{JOB}/exceptions")["root-exception"] == "ValueError: bad"
    assert answer(site_of(status_of(GRAPH)), f"/jobs/{JOB}/exceptions")["timestamp"] is None


def states_of(status: JobStatus) -> list[tuple[str, list[str]]]:
    vertices = answer(site_of(status), f"/jobs/{JOB}")["vertices"]
    return [(each["status"], [subtask["status"] for subtask in each["live"]["subtasks"]]) for each in vertices]


def test_only_the_subtask_that_failed_is_a_failed_one() -> None:
    status = status_of(GRAPH, state="FAILED")
    first, second = status.tasks
    subtasks = (second.subtasks[0]._replace(finished=True), second.subtasks[1]._replace(failed=True))
    assert states_of(status._replace(tasks=(first, second._replace(subtasks=subtasks)))) == [
        ("CANCELED", ["CANCELED", "CANCELED"]),
        ("FAILED", ["FINISHED", "FAILED"]),
    ]


def test_where_nobody_knows_which_task_failed_all_that_ran_have() -> None:
    assert states_of(status_of(GRAPH, {"finished": True}, state="FAILED")) == [
        ("FINISHED", ["FINISHED", "FINISHED"]),
        ("FAILED", ["FAILED", "FAILED"]),
    ]


def test_a_task_with_a_subtask_that_was_stopped_was_stopped() -> None:
    status = status_of(GRAPH, state="CANCELED")
    first, second = status.tasks
    subtasks = (first.subtasks[0]._replace(finished=True), first.subtasks[1])
    assert states_of(status._replace(tasks=(first._replace(subtasks=subtasks), second)))[0] == (
        "CANCELED",
        ["FINISHED", "CANCELED"],
    )


@pytest.mark.parametrize(
    "path", ["/nothing", "/jobs/0", f"/jobs/{JOB}/nothing", f"/jobs/{JOB}/plan/more", "/jobs/../jobs", "//", "/v1"]
)
def test_there_is_nothing_elsewhere(path: str) -> None:
    assert site_of(status_of(GRAPH)).answer(path, {}) is None


def test_rates_are_remembered_for_five_minutes() -> None:
    start = 1_700_000_000_000
    history = JobHistory(status_of(GRAPH, time=start))
    for second in range(1, 401):
        done = {"records_in": 1000 * second, "busy": 500 * second, "idle": 500 * second}
        history.add(status_of(GRAPH, done, time=start + 1000 * second))
    assert len(history.samples[0]) == len(history.times) == 150
    assert (history.times[0], history.times[-1]) == (start + 102_000, start + 400_000)
    assert {sample.records_in for sample in history.samples[0]} == {2000}
    assert {sample.busy for sample in history.samples[0]} == {0.5}


def test_old_jobs_are_forgotten() -> None:
    site = site_of(*(status_of(GRAPH, job_id=f"{number:032x}") for number in range(25)))
    ids = [int(job["id"], 16) for job in answer(site, "/jobs")["jobs"]]
    assert ids == list(range(5, 25))


def test_a_page_that_is_open_learns_of_the_end() -> None:
    ended = status_of(GRAPH, state="FINISHED")
    site = site_of(status_of(GRAPH))
    # Nobody has asked yet, so nobody is waited for.
    site.see_out(60)
    answer(site, f"/jobs/{JOB}")
    site.on_status(ended)
    waiting = threading.Thread(target=site.see_out, args=(60,))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    answer(site, f"/jobs/{JOB}")
    waiting.join(PATIENCE)
    assert not waiting.is_alive()
    # It has asked after the end, so it knows.
    site.see_out(60)
