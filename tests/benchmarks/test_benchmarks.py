"""The benchmarks at tiny sizes: not how fast, but that contestants come to the same result, and what is shown of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from contest import Contestant, ContestError, contest
from flink_peer import Slope, compared
from instructions import NoValgrind, count, valgrind
from peers import ROOT, Missing, Peers
from probes import running
from results import BEGIN, END, Limit, Row, markdown, plain, write_readme
from suite import BENCHMARKS, WANTED, Bench
from text import lines_of, write_text

if TYPE_CHECKING:
    from pathlib import Path

SERVERS = ("cluster", "lines-from-kafka", "text-from-hdfs")
PEERS = (*SERVERS, "state-bytewax", "word-count-bytewax", "word-count-pyflink")
# Those that differ in how they measure; the others differ in the jobs that they run.
WAYS = ("latency", "live-view", "memory", "start-up", "state-with-checkpoints", "word-count")


@pytest.fixture(autouse=True)
def source_roots(monkeypatch: pytest.MonkeyPatch):
    roots = [str(ROOT / "engine"), str(ROOT / "runner"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, roots)))


class NoPeers(Peers):
    """As where no other engine is installed."""

    def __init__(self) -> None:
        super().__init__(install=False)

    def bytewax(self) -> str:
        raise Missing("not here")

    pyflink = hdfs = kafka = bytewax


def tiny(directory: Path, peers: Peers) -> Bench:
    return Bench(scale=0.0001, runs=1, directory=directory, peers=peers)


def program(label: str, text: str) -> Contestant:
    return Contestant(label, [sys.executable, "-c", text])


# --- the benchmarks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in WAYS else pytest.mark.long) for name in BENCHMARKS if name not in PEERS],
)
def test_contestants_come_to_the_same_result(name: str, tmp_path: Path):
    rows = BENCHMARKS[name](tiny(tmp_path, NoPeers()))

    assert rows
    for row in rows:
        assert row.value is None or row.value > 0
        assert row.value is not None or "not measured" in row.unit
        assert row.wanted == WANTED.get((row.benchmark, row.ours, row.against))


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_that_cannot_be_had_is_a_line_that_says_so(name: str, tmp_path: Path):
    (row,) = BENCHMARKS[name](tiny(tmp_path, NoPeers()))

    assert (row.value, row.unit) == (None, "skipped: not here")
    assert row.wanted is not None


@pytest.mark.long
# A cluster takes minutes to start: `make test-cluster` tests what runs there.
@pytest.mark.parametrize(
    "name", [name for name in PEERS if name not in ("cluster", "lines-from-kafka", "text-from-hdfs")]
)
def test_peers_come_to_the_same_result(name: str, tmp_path: Path):
    rows = BENCHMARKS[name](tiny(tmp_path, Peers(install=False)))

    if rows[0].value is None:
        pytest.skip(f"{name}: {rows[0].unit}; make bench installs it")
    assert all(row.value is not None and row.value > 0 for row in rows)


def test_the_command_prints_one_table_on_standard_output_and_the_rest_elsewhere():
    command = [sys.executable, ROOT / "tests" / "benchmarks", "--runs", "1", "--no-peers", "memory"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    about, empty, headings, *lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert about.startswith("Medians of 1.")
    assert (empty, headings.split()[0]) == ("", "benchmark")
    assert {line.split("  ")[0] for line in lines} == {"memory"}
    assert done.stderr == "memory ...\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_stopped_prints_what_it_has_measured(number: signal.Signals):
    command = [sys.executable, ROOT / "tests" / "benchmarks", "--runs", "1", "--no-peers", "memory", "latency"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert [process.stderr.readline(), process.stderr.readline()] == ["memory ...\n", "latency ...\n"]
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert [line.split()[0] for line in out.splitlines()[3:]] == ["memory", "latency"]
    assert out.rstrip().endswith("stopped")


def test_the_command_refuses_what_it_does_not_know():
    command = [sys.executable, ROOT / "tests" / "benchmarks", "start-down"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no benchmark 'start-down'" in done.stderr


# --- contests --------------------------------------------------------------------------------------------------------


def test_contestants_take_turns(tmp_path: Path):
    log = tmp_path / "log"
    first, second = (program(label, f"open({str(log)!r}, 'a').write({label!r})") for label in "AB")

    times = contest([first, second], 3, tmp_path)

    assert log.read_text(encoding="utf-8") == "ABABAB"
    assert all(each.wall > 0 and each.cpu is not None and each.cpu > 0 for each in times.values())


def test_a_contest_of_different_results_fails(tmp_path: Path):
    with pytest.raises(ContestError, match="the results differ"):
        contest([program("A", "print(1)"), program("B", "print(2)")], 1, tmp_path)


def test_a_contestant_that_fails_ends_the_contest_with_its_error(tmp_path: Path):
    with pytest.raises(ContestError, match=r"status 1:[\s\S]*ZeroDivisionError"):
        contest([program("A", "1 / 0")], 1, tmp_path)


def test_the_cpu_time_of_all_processes_of_a_job_counts(tmp_path: Path):
    child = "sum(range(10**7))"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"

    times = contest([program("child", child), program("parent", parent)], 1, tmp_path)

    assert times["child"].cpu is not None
    assert times["parent"].cpu is not None
    assert times["parent"].cpu > times["child"].cpu / 2


@pytest.mark.parametrize(
    "connect", ["", "[socket.create_connection(('127.0.0.1', int(port))) for port in sys.argv[1:]]"]
)
def test_a_job_that_fails_before_or_while_it_is_probed_is_shown(connect: str, tmp_path: Path):
    script = f"import socket, sys\n{connect}\n1 / 0"

    with (
        pytest.raises(ContestError, match="ZeroDivisionError"),
        running(lambda _, *ports: [sys.executable, "-c", script, *map(str, ports)], tmp_path, workers=1),
    ):
        pass


# --- instructions ----------------------------------------------------------------------------------------------------


@pytest.fixture
def counting(tmp_path: Path) -> Bench:
    try:
        valgrind()
    except NoValgrind as missing:
        pytest.skip(str(missing))
    return Bench(scale=1, runs=1, directory=tmp_path, peers=NoPeers())


def counted(label: str, count: int, printed: str = "") -> Contestant:
    """Counts to ``count``, after a start. It is a shell: valgrind runs one in a fifth of the time of a Python."""
    start, count_up = (f"each=0; while [ $each -lt {limit} ]; do each=$((each + 1)); done" for limit in (500, count))
    return Contestant(label, ["sh", "-c", f"{start}; {count_up}; echo '{printed}'"])


def forked(label: str, way: str) -> Contestant:
    # Quick to start: without site.
    script = f"import os\ndef work():\n  for each in range(100_000): each + 1\n{way}"
    return Contestant(label, [sys.executable, "-S", "-c", script])


@pytest.mark.long
def test_instructions_per_record_are_told_apart_from_those_to_start_and_end(counting: Bench):
    def benchmark(bench: Bench) -> list[Row]:
        records = bench.size(100_000)
        contestants = [counted("once", records), counted("twice", 2 * records)]
        return bench.compare("counting", contestants, ("once", "twice"), records=records)

    (row,) = count(benchmark, counting)

    once, twice = (float(each.replace(",", "")) for each in row.seconds.split(" : "))
    assert 100 < once < 100_000
    assert row.value == pytest.approx(2, rel=0.01)
    assert twice == pytest.approx(2 * once, rel=0.01)
    own, other = map(float, row.cpu_seconds.split(" : "))
    assert own == pytest.approx(other, rel=0.05)
    assert own > 1


@pytest.mark.long
def test_instructions_of_forked_processes_count_once(counting: Bench):
    after = "pid = os.fork()\nif pid == 0:\n  work()\n  os._exit(0)\nos.waitpid(pid, 0)"
    before = "work()\npid = os.fork()\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)"

    def benchmark(bench: Bench) -> list[Row]:
        contestants = [forked("after", after), forked("before", before)]
        return bench.compare("forks", contestants, ("after", "before"), longer=True)

    (row,) = count(benchmark, counting)

    assert row.value == pytest.approx(1, rel=0.02)


def test_contestants_whose_instructions_are_counted_come_to_the_same_result(counting: Bench):
    contestants = [counted("A", 1), counted("B", 1, "other")]

    with pytest.raises(ContestError, match="the results differ"):
        count(lambda bench: bench.compare("two", contestants), counting)


def test_without_valgrind_nothing_is_counted_and_it_is_said_how_to_get_it(tmp_path: Path):
    command = [sys.executable, ROOT / "tests" / "benchmarks", "--instructions", "start-up"]

    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, "PATH": str(tmp_path)}
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert "valgrind, which is not installed: try apt install valgrind" in done.stderr


def test_instructions_of_what_goes_by_time_are_not_counted():
    command = [sys.executable, ROOT / "tests" / "benchmarks", "--instructions", "latency"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (2, "")
    assert "instructions can be counted of costly-map" in done.stderr


# --- text and tables -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [10, 1_000, 120_000])
def test_text_has_as_many_words_as_asked_for(words: int, tmp_path: Path):
    path = tmp_path / "text.txt"

    write_text(path, words)

    assert len(path.read_text(encoding="utf-8").split()) == words


def test_lines_are_the_same_in_a_file_and_in_a_directory_and_others_are_not(tmp_path: Path):
    file, directory, other = tmp_path / "file", tmp_path / "directory", tmp_path / "other"
    directory.mkdir()
    file.write_text("one\ntwo\nthree\n", encoding="utf-8")
    (directory / "1").write_text("three\n", encoding="utf-8")
    (directory / "2").write_text("two\none\n", encoding="utf-8")
    other.write_text("one\ntwo\nfour\n", encoding="utf-8")

    assert lines_of(file) == lines_of(directory) != lines_of(other)


@pytest.mark.parametrize(
    ("own", "other", "value", "shown"),
    [
        (Slope(10_000_000, 8), Slope(10_000_000, 6), 0.75, "0.80 : 0.60"),
        (Slope(10_000_000, 8), Slope(500_000, 20), 50, "0.80 : 40.00"),
        (Slope(10_000_000, 2.9), Slope(10_000_000, 6), None, ""),
        (Slope(10_000_000, 8), Slope(10_000_000, -0.5), None, ""),
    ],
)
def test_slopes_are_compared_where_they_are_more_than_what_starts_differ(
    own: Slope, other: Slope, value: float | None, shown: str
):
    row = compared("words", "A", own, "B", other, {("words", "A", "B"): Limit(least=0.6)})

    assert (row.value, row.seconds) == (value if value is None else pytest.approx(value), shown)
    assert row.unit == ("too small to tell" if value is None else "")


def test_tables_show_what_was_wanted_and_what_was_missed():
    rows = [
        Row("slow", "1 worker", "bare loop", 0.5, "", Limit(least=0.85), "2.00 : 1.00", "1.90 : 1.00"),
        Row("quick", "2 workers", "p99", 12.34, "ms", Limit(most=20)),
        Row("even", "1 worker", "reuse", 1.2, "", Limit(0.9, 1.1)),
        Row("other", "1 worker", "peer", None, "skipped: no Java here", Limit(least=50)),
    ]

    assert plain(rows) == (
        "benchmark  ours       against    seconds      CPU seconds  result                 wanted\n"
        "slow       1 worker   bare loop  2.00 : 1.00  1.90 : 1.00  0.50                   at least 0.85  missed\n"
        "quick      2 workers  p99                                  12.3 ms                at most 20\n"
        "even       1 worker   reuse                                1.20                   0.9 to 1.1     missed\n"
        "other      1 worker   peer                                 skipped: no Java here  at least 50\n"
    )
    assert markdown(rows).splitlines()[2:4] == [
        "| slow | 1 worker | bare loop | 2.00 : 1.00 | 1.90 : 1.00 | 0.50 | at least 0.85 | missed |",
        "| quick | 2 workers | p99 | | | 12.3 ms | at most 20 | |",
    ]


def test_a_table_in_the_page_is_replaced_and_nothing_else(tmp_path: Path):
    text = (ROOT / "tests" / "benchmarks" / "README.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    readme = tmp_path / "README.md"
    readme.write_text(text, encoding="utf-8")
    rows = [Row("word count", "1 worker", "bare loop", 0.95)]

    write_readme(readme, "Measured.", rows, whole=True)

    assert readme.read_text(encoding="utf-8") == f"{before}{BEGIN}Measured.\n\n{markdown(rows)}{END}{after}"


def test_some_rows_in_the_page_replace_those_of_the_same_contestants(tmp_path: Path):
    readme = tmp_path / "README.md"
    readme.write_text(BEGIN + END, encoding="utf-8")
    first, second, third = (Row(name, "1 worker", "bare loop", 1) for name in ("first", "second", "third"))
    anew, other = replace(first, value=2), replace(first, against="bytewax")

    write_readme(readme, "Measured.", [first, second], whole=True)
    write_readme(readme, "Measured anew.", [other, anew, third], whole=False)

    rows = [anew, other, second, third]
    assert readme.read_text(encoding="utf-8") == f"{BEGIN}Measured anew.\n\n{markdown(rows)}{END}"
