"""The last word on a job."""

from __future__ import annotations

from typing import Any

import pytest
from statuses import graph_of, status_of, word_count

from pyflink_stream.progress.summary import figures


@pytest.mark.parametrize(
    ("sink", "fields", "text"),
    [
        ({"records_written": 1_234_567}, {}, "7,000 records in, 1,234,567 out, 10.0 s, 700/s"),
        (
            {"records_written": 1_234_567},
            {"restarts": 2},
            "7,000 records in, 1,234,567 out, 10.0 s, 700/s, restarted 2×",
        ),
        (
            {"late": ((1, 48_000), (2, 1_000))},
            {},
            "7,000 records in, 0 out, 49,000 late records dropped, 10.0 s, 700/s",
        ),
        ({"late": ((1, 1), (2, 0))}, {}, "7,000 records in, 0 out, 1 late record dropped, 10.0 s, 700/s"),
        ({"late": ((1, 0),)}, {}, "7,000 records in, 0 out, 10.0 s, 700/s"),
    ],
)
def test_a_job_is_summed_up_in_one_line(sink: dict[str, Any], fields: dict[str, Any], text: str) -> None:
    status = status_of(graph_of(word_count, 1), {"records_in": 7000, **sink}, **fields)
    assert figures(status) == text
