"""Every example, at the parallelisms that people will try; the commands of the pages run each as a process."""

from __future__ import annotations

import re
from ast import literal_eval
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from here import CommandHere
from launched import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from launched import Done

    from stream_engine.local.forkserver.client import ForkServer

    Run = Callable[..., Done]
    Records = Callable[..., list[str]]

PARALLELISMS = pytest.mark.parametrize("parallelism", [1, 2, 4])
WORD_COUNT, WINDOWED_WORD_COUNT, COUNTDOWN, ORDERS, PRICING, RATES = (
    f"examples/{path}"
    for path in ("word_count.py", "windowed_word_count.py", "countdown.py", "orders.py", "lib/pricing", "rates.csv")
)

LAST_COUNTS = {
    "a": 4, "and": 1, "as": 1, "by": 1, "count": 1, "ends": 1, "goes": 1, "is": 1, "never": 2, "of": 2, "records": 1,
    "river": 4, "stream": 2, "the": 3, "waits": 1, "words": 1,
}  # fmt: skip


@pytest.fixture
def run(server: ForkServer, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs what these arguments say, from the root of the checkout."""
    return CommandHere(ROOT, server, capfd).run


@pytest.fixture
def records(run: Run) -> Records:
    """The lines of a run that must succeed and say nothing else, without the ``2> `` of parallel instances."""

    def records(*args: str | Path) -> list[str]:
        done = run(*args)
        assert (done.returncode, done.stderr) == (0, "")
        return [re.sub(r"^\d+> ", "", line) for line in done.stdout.splitlines()]

    return records


def rolling(totals: dict[str, int]) -> list[str]:
    """What a rolling count prints on its way to these totals, sorted."""
    return sorted(str((count, word)) for word, total in totals.items() for count in range(1, total + 1))


# --- word_count.py ---


@PARALLELISMS
def test_word_count_prints_every_count_of_every_word_of_its_own_text(records: Records, parallelism: int) -> None:
    assert sorted(records("-p", str(parallelism), WORD_COUNT)) == rolling(LAST_COUNTS)


def test_word_count_on_one_worker_keeps_the_order_of_the_text(records: Records) -> None:
    first = ["(1, 'a')", "(1, 'stream')", "(1, 'is')", "(2, 'a')", "(1, 'river')", "(1, 'of')", "(1, 'records')"]

    assert records(WORD_COUNT)[:7] == first


@PARALLELISMS
def test_word_count_reads_one_file_and_writes_another(records: Records, tmp_path: Path, parallelism: int) -> None:
    # given
    text = tmp_path / "text.txt"
    text.write_text("Stream, don't stop.\nSTREAM on\n" * 500, encoding="utf-8")
    counts = tmp_path / "counts"

    # when
    printed = records("-p", str(parallelism), WORD_COUNT, "-", "--input", text, "--output", counts)

    # then
    files = [counts] if parallelism == 1 else [counts / str(number) for number in range(1, parallelism + 1)]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    assert sorted(lines) == rolling({"stream": 1000, "don't": 500, "stop": 500, "on": 500})
    assert printed == []


def test_word_count_does_not_write_over_a_file(run: Run, tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    counts.write_text("precious", encoding="utf-8")

    done = run(WORD_COUNT, "-", "--output", counts)

    assert (done.returncode, counts.read_text(encoding="utf-8")) == (1, "precious")
    assert f"{counts} exists already" in done.stderr


# --- windowed_word_count.py ---


@PARALLELISMS
def test_windowed_word_count_counts_each_word_once_over_all_windows(records: Records, parallelism: int) -> None:
    totals: Counter[str] = Counter()
    for line in records("-p", str(parallelism), WINDOWED_WORD_COUNT):
        count, word = literal_eval(line)
        totals[word] += count

    assert totals == {"hello": 1000, "world": 1000}


# --- countdown.py ---


@PARALLELISMS
def test_countdown_lets_each_number_out_of_the_loop_at_zero(records: Records, parallelism: int) -> None:
    assert records("-p", str(parallelism), COUNTDOWN) == ["0"] * 5


@PARALLELISMS
def test_countdown_ends_by_itself_however_often_a_number_goes_round(records: Records, parallelism: int) -> None:
    printed = records("-p", str(parallelism), COUNTDOWN, "-", "2000", "1", "0", "-7")

    assert sorted(printed, key=int) == ["-8", "-1", "0", "0"]


# --- orders.py ---


def test_orders_keeps_a_running_total_for_each_customer(records: Records) -> None:
    assert records(ORDERS, PRICING) == [
        "Ada: 141.18 EUR",
        "Blaise: 80.00 EUR",
        "Ada: 161.08 EUR",
        "Grace: 227.27 EUR",
        "Blaise: 127.89 EUR",
        "Grace: 318.17 EUR",
    ]


def test_orders_converts_into_another_currency_by_the_rates_of_a_file(records: Records) -> None:
    assert records(ORDERS, PRICING, "-", "--currency", "CHF", "--rates", RATES) == [
        "Ada: 135.00 CHF",
        "Blaise: 72.00 CHF",
        "Ada: 152.91 CHF",
        "Grace: 180.00 CHF",
        "Blaise: 117.50 CHF",
        "Grace: 251.99 CHF",
    ]


@PARALLELISMS
def test_orders_come_to_the_same_totals_on_any_number_of_workers(records: Records, parallelism: int) -> None:
    lines = records("-p", str(parallelism), ORDERS, PRICING)

    # Orders may change places on their way to the workers; the largest total of a customer still is the last.
    totals: dict[str, float] = {}
    for line in lines:
        customer, total = line.removesuffix(" EUR").split(": ")
        totals[customer] = max(totals.get(customer, 0.0), float(total))
    assert len(lines) == 6
    assert totals == {"Ada": 161.08, "Blaise": 127.89, "Grace": 318.17}


def test_orders_without_its_package_says_what_is_missing(run: Run) -> None:
    done = run(ORDERS)

    assert (done.returncode, done.stdout) == (1, "")
    assert "No module named 'pricing'" in done.stderr


def test_an_order_without_a_rate_is_reported_with_its_record(run: Run) -> None:
    done = run(ORDERS, PRICING, "-", "--currency", "XYZ")

    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no rate for XYZ" in done.stderr
    assert "with the record Order(customer='Ada'" in done.stderr
