"""What a job costs goes by what happens in it, not by how many tasks there are to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import many_tasks
from launched import by_value
from many_tasks import calls_of_passing

if TYPE_CHECKING:
    from launched import Jobs


def test_a_worker_looks_at_the_tasks_that_have_work_and_at_no_others(jobs: Jobs):
    with by_value(many_tasks):
        few, many = calls_of_passing(jobs, 10), calls_of_passing(jobs, 80)

    assert many < 8 * 1.5 * few
