"""Scripts of the kind that the old API was tested with: each alone, and all of them in one process."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from guided import SCRIPTS, Guide

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {
    "filter_numbers": ["6", "5", "4"],
    "flat_map_ints": ["1", "2", "4", "3", "6", "9"],
    "flat_map_lists": ["[1]", "[2, 3]", "['a']", "[]"],
    "flat_map_strings": ["('nothing', 7)", "('is', 2)", "('lost', 4)", "('süß', 3)"],
    "from_collection": ["1", "two", "3.0", "b'four'", "None", "0.5", "1.0", "1.5"],
    "from_elements": ["one", "2", "3.5", "True", "[4, 5]", "('six', 6)"],
    "from_iterator": ["0", "2", "8", "26", "80"],
    "generate_sequence": ["-2", "-1", "0", "1", "2", "3", "4", "5"],
    "iterations": ["(2, 1, 1)", "(12, 3, 2)", "(40, 5, 3)", "(64, 1, 6)", "0", "1", "2", "0", "1", "0"],
    "keyed_reduce": ["('rent', 700)", "('rent', 1400)", "('food', 5)", "('food', 10)", "('food', 15)"],
    "map_records": ["7 BRIDGES", "8 BRIDGES", "9 BRIDGES"],
    "output_with_identifier": ["celsius> -3", "celsius> 21", "kelvin> 270", "kelvin> 294"],
    "socket_sink": ["a=1", "ö=2", "c=None"],
    "socket_source": ["ready!", "steady!", "grüezi!"],
    "split_select": [
        *("two: 2", "two: 4", "two: 6", "three: 3", "three: 6"),
        *("either: 2", "either: 3", "either: 4", "either: 6"),
    ],
    "text_files": ["To Be", "Or", "Not To Be"],
    "time_characteristic": ["EventTime", "ProcessingTime", "55"],
    "union_streams": ["aare", "aare", "reuss", "reuss", "rhine"],
    "user_types": ["Bern: 3", "Bern: 9", "Rome: 15", "Rome: 15"],
    "window_apply": ["('odd', 3, 5)", "('even', 3, 6)"],
}


def plain(lines: list[str]) -> list[str]:
    """The lines without the numbers of the instances that wrote them, sorted."""
    return sorted(
        re.sub(r"^(?:(\w+):)?\d+> ", lambda match: f"{match[1]}> " if match[1] else "", line) for line in lines
    )


def test_every_script_is_expected_to_do_something() -> None:
    assert {path.stem for path in SCRIPTS.glob("*.py")} == {*EXPECTED, "run_all"}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_script_runs_alone(guide: Guide, name: str) -> None:
    assert sorted(guide.succeed(SCRIPTS / f"{name}.py").lines) == sorted(EXPECTED[name])


def blocks(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("-- "):
            found[line[3:]] = []
        else:
            found[list(found)[-1]].append(line)
    return found


@pytest.mark.parametrize("parallelism", [1, 2])
def test_one_script_runs_those_beside_it_one_job_after_the_other(guide: Guide, parallelism: int) -> None:
    run = guide.succeed("-p", parallelism, SCRIPTS / "run_all.py")
    found = blocks(run.lines)
    assert list(found) == list(EXPECTED)
    assert {name: plain(lines) for name, lines in found.items()} == {
        name: sorted(lines) for name, lines in EXPECTED.items()
    }


def test_one_script_runs_those_that_are_given_as_packages(guide: Guide, tmp_path: Path) -> None:
    script = shutil.copy(SCRIPTS / "run_all.py", tmp_path)
    run = guide.succeed("-p", 2, script, *(SCRIPTS / f"{name}.py" for name in EXPECTED))
    assert {name: plain(lines) for name, lines in blocks(run.lines).items()} == {
        name: sorted(lines) for name, lines in EXPECTED.items()
    }
