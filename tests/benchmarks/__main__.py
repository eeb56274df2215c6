"""Runs the benchmarks and prints one table: python tests/benchmarks [OPTIONS] [BENCHMARK ...]"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

from contest import ContestError
from instructions import INSTRUCTION_HEADINGS, NoValgrind, count, valgrind
from machine import describe
from peers import Peers
from results import HEADINGS, Row, markdown, plain, write_readme
from suite import BENCHMARKS, COUNTED, RUNS_OF_SLOW, SLOW, Bench


def main() -> int:
    parser = argparse.ArgumentParser("tests/benchmarks", description="Runs the benchmarks and prints one table.")
    parser.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help=f"of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument(
        "--runs", type=int, default=5, help="how often each contestant runs (default: 5; 3 if that takes minutes)"
    )
    parser.add_argument("--size", type=float, default=1.0, help="a factor on the number of records (default: 1)")
    parser.add_argument(
        "--instructions", action="store_true", help="counts, once, the instructions that a record costs (by valgrind)"
    )
    parser.add_argument("--no-peers", action="store_true", help="installs no other engine, and skips those not there")
    parser.add_argument("--markdown", action="store_true", help="prints the table as Markdown")
    parser.add_argument("--readme", action="store_true", help="writes the rows into tests/benchmarks/README.md, too")
    options = parser.parse_args()
    unknown = [name for name in options.benchmarks if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}")
    if options.readme and options.instructions:
        parser.error("the page has times: --readme takes no --instructions")
    chosen = options.benchmarks or BENCHMARKS
    if options.instructions:
        if options.benchmarks and not COUNTED.issuperset(options.benchmarks):
            parser.error(f"instructions can be counted of {', '.join(sorted(COUNTED))}")
        chosen = [name for name in chosen if name in COUNTED]
        try:
            valgrind()
        except NoValgrind as missing:
            parser.error(str(missing))
    peers = Peers(install=not options.no_peers)
    load = os.getloadavg()[0]
    rows: list[Row] = []
    status = 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:
        for name in chosen:
            runs = min(options.runs, RUNS_OF_SLOW) if name in SLOW else options.runs
            bench = Bench(options.size, runs, Path(directory), peers)
            try:
                sys.stderr.write(f"{name} ...\n")
                rows.extend(count(BENCHMARKS[name], bench) if options.instructions else BENCHMARKS[name](bench))
            except ContestError as error:
                sys.stderr.write(f"{name}: {error}\n")
                rows.append(Row(name, "", "", None, "failed"))
                status = 1
            except KeyboardInterrupt:
                # What was measured took its time.
                rows.append(Row(name, "", "", None, "stopped"))
                status = 130
                break
    measure = "Instructions, counted once" if options.instructions else f"Medians of {options.runs}"
    about = f"{measure}. {describe(peers.versions, load)}."
    headings = INSTRUCTION_HEADINGS if options.instructions else HEADINGS
    print(f"{about}\n")
    print((markdown if options.markdown else plain)(rows, headings), end="")
    if options.readme and status != 130:
        write_readme(Path(__file__).with_name("README.md"), about, rows, whole=not options.benchmarks)
    return status


if __name__ == "__main__":
    sys.exit(main())
