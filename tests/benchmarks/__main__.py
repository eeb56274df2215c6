"""Runs the benchmarks and prints one table: python tests/benchmarks [OPTIONS] [BENCHMARK ...]"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from contest import ContestError
from machine import describe
from peers import Peers
from results import Row, markdown, plain, write_readme
from suite import BENCHMARKS, Bench


def main() -> int:
    parser = argparse.ArgumentParser("tests/benchmarks", description="Runs the benchmarks and prints one table.")
    parser.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help=f"of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--runs", type=int, default=5, help="how often each contestant runs (default: 5)")
    parser.add_argument("--size", type=float, default=1.0, help="a factor on the number of records (default: 1)")
    parser.add_argument("--no-peers", action="store_true", help="installs no other engine, and skips those not there")
    parser.add_argument("--markdown", action="store_true", help="prints the table as Markdown")
    parser.add_argument("--readme", action="store_true", help="writes the table into tests/benchmarks/README.md, too")
    options = parser.parse_args()
    unknown = [name for name in options.benchmarks if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}")
    if options.readme and options.benchmarks:
        parser.error("the page has the results of all benchmarks: --readme takes none")
    peers = Peers(install=not options.no_peers)
    load = os.getloadavg()[0]
    rows: list[Row] = []
    status = 0
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:
        bench = Bench(options.size, options.runs, Path(directory), peers)
        for name in options.benchmarks or BENCHMARKS:
            sys.stderr.write(f"{name} ...\n")
            try:
                rows.extend(BENCHMARKS[name](bench))
            except ContestError as error:
                sys.stderr.write(f"{name}: {error}\n")
                rows.append(Row(name, "", "", None, "failed"))
                status = 1
    about = f"Medians of {options.runs}. {describe(peers.versions, load)}."
    print(f"{about}\n")
    print((markdown if options.markdown else plain)(rows), end="")
    if options.readme:
        write_readme(Path(__file__).with_name("README.md"), f"{about}\n\n{markdown(rows)}")
    return status


if __name__ == "__main__":
    sys.exit(main())
