"""The benchmarks: what is compared with what, at which size, and how it should turn out."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from contest import Contestant, contest
from flink_peer import compared, flink_cluster, in_pyflink, on_cluster, slopes
from hdfs_peer import hdfs_with, with_client
from kafka_peer import TOPIC, kafka_with
from peers import Missing, Peers
from probes import PATIENCE, latency, memory_of, running, workers_of
from results import Row
from text import WORDS_PER_LINE, lines_of, write_text
from wanted import WANTED

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPTS = Path(__file__).resolve().parent / "scripts"
TERMINAL = SCRIPTS.with_name("terminal.py")

_UNWATCHED = ("--progress", "never")
_SERVED = (*_UNWATCHED, "-D", "metrics.reporter.prom.port=0", "-D", "rest.port=0")


@dataclass(frozen=True)
class Bench:
    """How to measure: the factor on all sizes, how often each contestant runs, where files go, and the peers."""

    scale: float
    runs: int
    directory: Path
    peers: Peers

    def size(self, records: int) -> int:
        return max(100, round(records * self.scale))

    def keys(self, keys: int) -> int:
        """Fewer for fewer records, but never more: they are what is compared."""
        return max(1, round(keys * min(1, self.scale)))

    def text(self, words: int) -> Path:
        path = self.directory / f"{words}.txt"
        if not path.exists():
            write_text(path, words)
        return path

    def compare(
        self,
        name: str,
        contestants: list[Contestant],
        *pairs: tuple[str, str],
        records: int | None = None,
        longer: bool = False,
        cpu: tuple[str, str] | None = None,
    ) -> list[Row]:
        """A row per pair of labels, ours first: how many times as fast ours is, or how many times as ``longer``.

        ``records`` is how many each processes, if that is what its time goes by. The pair ``cpu`` is compared by CPU
        time instead: the part of the second's that the first takes.
        """
        times = contest(contestants, self.runs, self.directory)
        rows: list[Row] = []
        for ours, against in pairs:
            own, other = times[ours], times[against]
            known = own.cpu is not None and other.cpu is not None
            rows.append(
                Row(
                    name,
                    ours,
                    against,
                    own.wall / other.wall if longer else other.wall / own.wall,
                    "",
                    WANTED.get((name, ours, against)),
                    f"{own.wall:.2f} : {other.wall:.2f}",
                    f"{own.cpu:.2f} : {other.cpu:.2f}" if known else "",
                )
            )
        if cpu is not None:
            ours, against = (f"{label}, CPU" for label in cpu)
            own, other = (times[label].cpu for label in cpu)
            assert own
            assert other
            shown = f"{own:.2f} : {other:.2f}"
            rows.append(Row(name, ours, against, own / other, "", WANTED.get((name, ours, against)), "", shown))
        return rows

    def seconds(self, name: str, contestants: list[Contestant]) -> list[Row]:
        """A row per contestant: the seconds that it takes."""
        times = contest(contestants, self.runs, self.directory)
        return [
            Row(name, label, "seconds", taken.wall, "s", WANTED.get((name, label, "seconds")))
            for label, taken in times.items()
        ]


def job(label: str, script: str, *arguments: object, workers: int = 1, options: tuple[str, ...] = ()) -> Contestant:
    """The script through the real launcher."""
    command = [sys.executable, "-m", "pyflink_stream", "-p", str(workers), *options, str(SCRIPTS / f"{script}.py"), "-"]
    return Contestant(label, [*command, *map(str, arguments)])


def on_terminal(contestant: Contestant) -> Contestant:
    """The same with a terminal as its standard error."""
    return replace(contestant, command=[sys.executable, str(TERMINAL), *contestant.command])


def bare(script: str, *arguments: object) -> Contestant:
    return Contestant("bare loop", [sys.executable, str(SCRIPTS / f"{script}_bare.py"), *map(str, arguments)])


def bytewax(python: str, flow: str, *options: object) -> Contestant:
    command = [python, "-m", "bytewax.run", *map(str, options), flow]
    return Contestant("bytewax", command, {"PYTHONPATH": str(SCRIPTS)})


def both(script: str, *arguments: object) -> list[Contestant]:
    return [job("1 worker", script, *arguments), job("2 workers", script, *arguments, workers=2)]


# --- the benchmarks --------------------------------------------------------------------------------------------------


def word_count(bench: Bench) -> list[Row]:
    words = bench.size(6_000_000)
    path = bench.text(words)
    reuse = ("-D", "pipeline.object-reuse=true")
    contestants = [
        bare("word_count", path),
        *both("word_count", path),
        job("1 worker, object reuse", "word_count", path, options=reuse),
    ]
    pairs = (("1 worker", "bare loop"), ("2 workers", "1 worker"), ("1 worker, object reuse", "1 worker"))
    return bench.compare("word count", contestants, *pairs, records=words, cpu=("1 worker", "2 workers"))


def word_count_bytewax(bench: Bench) -> list[Row]:
    try:
        python = bench.peers.bytewax()
    except Missing as missing:
        return [_skipped("word count", "bytewax", missing)]
    words = bench.size(6_000_000)
    path = bench.text(words)
    contestants = [
        job("1 worker", "word_count", path),
        bare("word_count", path),
        bytewax(python, f"word_count_bytewax:flow({str(path)!r})"),
    ]
    pairs = (("1 worker", "bytewax"), ("bare loop", "bytewax"))
    return bench.compare("word count", contestants, *pairs, records=words)


def word_count_pyflink(bench: Bench) -> list[Row]:
    try:
        python = bench.peers.pyflink()
    except Missing as missing:
        return [_skipped("word count", "PyFlink", missing)]
    path = bench.text(bench.size(1_000_000))
    command = [python, str(SCRIPTS / "word_count_pyflink.py"), "1", str(path)]
    contestants = [job("1 worker", "word_count", path), Contestant("PyFlink", command, counts_cpu=False)]
    return bench.compare("word count", contestants, ("1 worker", "PyFlink"))


def cluster(bench: Bench) -> list[Row]:
    """Words a second on a Flink cluster of this machine: what more of them take, as its start-up is long."""
    name, ours, here, native = "cluster", "Flink, 2 slots", "2 workers", "PyFlink, 2 slots"
    try:
        python = bench.peers.pyflink()
    except Missing as missing:
        return [Row(name, ours, here, None, f"skipped: {missing}", WANTED[name, ours, here])]
    with flink_cluster(python, bench.directory) as address:

        def on_flink(path: Path) -> Contestant:
            return on_cluster(ours, python, address, SCRIPTS / "word_count.py", path)

        def by_hand(path: Path) -> Contestant:
            return in_pyflink(native, python, address, SCRIPTS / "word_count_pyflink.py", path)

        sizes = bench.size(4_000_000), bench.size(32_000_000)
        taken = slopes(lambda path: [job(here, "word_count", path, workers=2), on_flink(path)], sizes, bench)
        # All that it can do in the same time.
        sizes = bench.size(100_000), bench.size(600_000)
        of_few = slopes(lambda path: [job(here, "word_count", path, workers=2), by_hand(path)], sizes, bench)
    taken[native] = of_few[native]
    return [compared(name, ours, taken[ours], other, taken[other], WANTED) for other in (here, native)]


def checkpoints(bench: Bench) -> list[Row]:
    path = bench.text(bench.size(12_000_000))
    options = ("-D", "execution.checkpointing.interval=1000", "-D", f"state.checkpoints.dir={bench.directory}")
    contestants = [
        job("none", "word_count", path),
        job("1 worker", "word_count", path, options=options),
        job("none, 2 workers", "word_count", path, workers=2),
        job("2 workers", "word_count", path, workers=2, options=options),
    ]
    pairs = (("1 worker", "none"), ("2 workers", "none, 2 workers"))
    return bench.compare("checkpoints each second", contestants, *pairs)


def state(bench: Bench) -> list[Row]:
    """What keys on disk cost, those in use and many."""
    if find_spec("rocksdict") is None:
        return [_skipped("keyed reduce, 1,000 keys", "rocksdb", Missing("not installed"))]
    rows: list[Row] = []
    for keys in (1_000, 1_000_000):
        sizes = bench.size(2_000_000), bench.keys(keys)
        contestants = [job(each, "keyed_reduce", *sizes, options=_backend(each)) for each in ("hashmap", "rocksdb")]
        rows += bench.compare(f"keyed reduce, {keys:,} keys", contestants, ("rocksdb", "hashmap"))
    return rows


def state_with_checkpoints(bench: Bench) -> list[Row]:
    sizes = bench.size(6_000_000), bench.size(1_000_000)
    kept = (*_each_second(bench), "-D", "execution.checkpointing.incremental=true")
    options = {
        "hashmap, none": _backend("hashmap"),
        "hashmap, each second": (*_backend("hashmap"), *_each_second(bench)),
        "hashmap, incremental": (*_backend("hashmap"), *kept),
        "rocksdb, none": _backend("rocksdb"),
        "rocksdb, incremental": (*_backend("rocksdb"), *kept),
    }
    contestants = [
        job(label, "keyed_reduce", *sizes, options=each)
        for label, each in options.items()
        if label.startswith("hashmap") or find_spec("rocksdict")
    ]
    pairs = [
        ("hashmap, each second", "hashmap, none"),
        ("hashmap, incremental", "hashmap, none"),
        ("rocksdb, incremental", "rocksdb, none"),
    ]
    pairs = pairs if find_spec("rocksdict") else pairs[:2]
    return bench.compare("1,000,000 keys, checkpoints", contestants, *pairs)


def state_bytewax(bench: Bench) -> list[Row]:
    """Values of keys, without checkpoints, and with one each second. More keys would take bytewax minutes."""
    try:
        python = bench.peers.bytewax()
    except Missing as missing:
        return [_skipped("keyed reduce, 1,000 keys", "bytewax", missing)]
    rows: list[Row] = []
    for records, keys in ((2_000_000, 1_000), (200_000, 100_000)):
        sizes = bench.size(records), bench.keys(keys)
        flow, name = f"keyed_reduce_bytewax:flow({sizes[0]}, {sizes[1]})", f"keyed reduce, {keys:,} keys"
        contestants = [job("1 worker", "keyed_reduce", *sizes), bytewax(python, flow)]
        rows += bench.compare(name, contestants, ("1 worker", "bytewax"))
        recovery = bench.directory / "recovery"
        contestants = [
            job("1 worker", "keyed_reduce", *sizes, options=_each_second(bench)),
            replace(
                bytewax(python, flow, "-r", recovery, "-s", 1, "-b", 0),
                reset=partial(_make_recovery, python, recovery),
            ),
        ]
        rows += bench.compare(f"{name}, checkpoints", contestants, ("1 worker", "bytewax"))
    return rows


def _make_recovery(python: str, directory: Path) -> None:
    """Makes what bytewax keeps its state in, for one worker."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    subprocess.run([python, "-m", "bytewax.recovery", directory, "1"], check=True, capture_output=True)


def pauses(bench: Bench) -> list[Row]:
    """How long records stand still for a checkpoint of so many keys in memory."""
    rows: list[Row] = []
    for keys in (1_000_000, 4_000_000):

        def command(host: str, port: int, sink_port: int, keys: int = keys) -> list[str]:
            arguments = host, port, sink_port, bench.size(keys)
            return list(job("", "pauses", *arguments, options=_each_second(bench)).command)

        with running(command, bench.directory, workers=1) as connected:
            while not connected.lines(PATIENCE):
                pass
            found = latency(connected, rate=1000, seconds=max(0.2, 10 * bench.scale), keys=100)
        key = "latency with checkpoints", f"{keys:,} keys"
        rows += [Row(*key, name, ms, "ms", WANTED.get((*key, name))) for name, ms in found._asdict().items()]
    return rows


def _backend(name: str) -> tuple[str, ...]:
    return "-D", f"state.backend={name}"


def _each_second(bench: Bench) -> tuple[str, ...]:
    return "-D", "execution.checkpointing.interval=1000", "-D", f"state.checkpoints.dir={bench.directory}"


def live_view(bench: Bench) -> list[Row]:
    path = bench.text(bench.size(9_000_000))
    contestants: list[Contestant] = []
    pairs: list[tuple[str, str]] = []
    for workers in (1, 2):
        name = "1 worker" if workers == 1 else f"{workers} workers"
        unwatched = on_terminal(job(f"{name}, not watched", "word_count", path, workers=workers, options=_UNWATCHED))
        view = on_terminal(job(f"{name}, view", "word_count", path, workers=workers))
        served = on_terminal(job(f"{name}, served", "word_count", path, workers=workers, options=_SERVED))
        contestants += [unwatched, view, served]
        pairs += [(view.label, unwatched.label), (served.label, unwatched.label)]
    return bench.compare("live view", contestants, *pairs)


def windowed_word_count(bench: Bench) -> list[Row]:
    contestants = both("windowed_word_count", bench.size(3_000_000), "parallel")
    return bench.compare("windowed word count", contestants, ("2 workers", "1 worker"))


def windowed_word_count_of_one_source(bench: Bench) -> list[Row]:
    contestants = both("windowed_word_count", bench.size(2_000_000))
    return bench.compare("windowed word count, one source", contestants, ("2 workers", "1 worker"))


def against_bare(name: str, script: str, records: int, bench: Bench) -> list[Row]:
    size = bench.size(records)
    contestants = [bare(script, size), job("1 worker", script, size)]
    return bench.compare(name, contestants, ("1 worker", "bare loop"), records=size)


def costly_map(bench: Bench) -> list[Row]:
    size = bench.size(100_000)
    return bench.compare("costly map", both("costly_map", size), ("2 workers", "1 worker"), records=size)


def text_to_text(bench: Bench) -> list[Row]:
    words = bench.size(24_000_000)
    path = bench.text(words)
    output = bench.directory / "output"

    def remove() -> None:
        shutil.rmtree(output) if output.is_dir() else output.unlink(missing_ok=True)

    contestants = [
        replace(contestant, reset=remove, result=lambda _: lines_of(output))
        for contestant in (bare("text_to_text", path, output), *both("text_to_text", path, output))
    ]
    pairs = (("1 worker", "bare loop"), ("2 workers", "1 worker"))
    return bench.compare("text to text", contestants, *pairs, records=-(-words // WORDS_PER_LINE))


def text_from_hdfs(bench: Bench) -> list[Row]:
    try:
        python = bench.peers.hdfs()
        # Much: the clients take a while to be loaded, which is not what is measured.
        with hdfs_with(python, bench.text(bench.size(72_000_000)), bench.directory / "hdfs") as url:
            contestants = [with_client(each, python) for each in (bare("hdfs_lines", url), *both("hdfs_lines", url))]
            pairs = (("1 worker", "bare loop"), ("2 workers", "1 worker"))
            return bench.compare("text from HDFS", contestants, *pairs)
    except Missing as missing:
        return [_skipped("text from HDFS", "bare loop", missing)]


def count_windows(bench: Bench) -> list[Row]:
    """The time that a window takes, without that to start and end, among few of them and among many."""
    name, numbers = "count windows in a row", bench.size(20_000)
    counts = ("10", "100", "1000") if bench.scale >= 1 else ("10", "20")
    contestants = [
        replace(job(f"{count}, {size}", "count_windows", size, count, workers=2), result=lambda _: None)
        for count in counts
        for size in (1, numbers)
    ]
    times = contest(contestants, bench.runs, bench.directory)

    def milliseconds(count: str) -> float:
        return 1000 * (times[f"{count}, {numbers}"].wall - times[f"{count}, 1"].wall) / int(count)

    few, *many = counts
    return [
        Row(
            name,
            f"each of {count}",
            f"each of {few}",
            # Of few records the time is nothing but noise.
            max(0.01, milliseconds(count)) / max(0.01, milliseconds(few)),
            "",
            WANTED.get((name, f"each of {count}", f"each of {few}")),
            f"{milliseconds(count) / 1000:.3f} : {milliseconds(few) / 1000:.3f}",
        )
        for count in many
    ]


def lines_from_kafka(bench: Bench) -> list[Row]:
    name, lines = "lines from Kafka", bench.size(3_000_000)
    try:
        python = bench.peers.kafka()
        with kafka_with(lines, bench.directory / "kafka") as address:
            pair = bare("kafka_lines", address, TOPIC), job("1 worker", "kafka_lines", address, TOPIC)
            contestants = [with_client(each, python) for each in pair]
            return bench.compare(name, contestants, ("1 worker", "bare loop"), records=lines)
    except Missing as missing:
        return [_skipped(name, "bare loop", missing)]


def start_up(bench: Bench) -> list[Row]:
    imports = "import click, cloudpickle, yaml; print('Hello World')"
    contestants = [Contestant("import", [sys.executable, "-c", imports]), *both("hello")]
    # With two workers a line begins with the number of its instance.
    contestants = [replace(each, result=lambda run: run.out.strip().rpartition("> ")[2]) for each in contestants]
    pairs = [("1 worker", "import"), ("2 workers", "import")]
    try:
        contestants.append(bytewax(bench.peers.bytewax(), "hello_bytewax:flow"))
        pairs.append(("1 worker", "bytewax"))
    except Missing:
        pass  # The word count has said so.
    rows = bench.compare("start-up", contestants, *pairs, longer=True)
    widths = (8, 64) if bench.scale >= 1 else (8,)
    wide = [replace(job(f"{width} workers", "hello", workers=width), result=lambda _: None) for width in widths]
    return [*rows, *bench.seconds("start-up", wide)]


def latencies(bench: Bench) -> list[Row]:
    def command(host: str, port: int, sink_port: int) -> list[str]:
        return list(job("", "latency", host, port, sink_port, workers=2).command)

    with running(command, bench.directory, workers=2) as connected:
        found = latency(connected, rate=1000, seconds=max(0.2, 10 * bench.scale), keys=100)
    return [
        Row("latency", "2 workers", name, value, "ms", WANTED.get(("latency", "2 workers", name)))
        for name, value in found._asdict().items()
    ]


def memory(bench: Bench) -> list[Row]:
    def command(host: str, port: int, sink_port: int) -> list[str]:
        return list(job("", "memory", host, port, sink_port, workers=2).command)

    with running(command, bench.directory, workers=2) as connected:
        own = [memory_of(pid) for pid in workers_of(connected, 2)]
    key = ("memory", "2 workers", "USS of one")
    if None in own:
        return [Row(*key, None, "not measured: this system does not tell", WANTED[key])]
    return [Row(*key, max(mb for mb in own if mb is not None), "MB", WANTED[key])]


def _skipped(name: str, peer: str, missing: Missing) -> Row:
    return Row(name, "1 worker", peer, None, f"skipped: {missing}", WANTED.get((name, "1 worker", peer)))


BENCHMARKS: dict[str, Callable[[Bench], list[Row]]] = {
    "word-count": word_count,
    "word-count-bytewax": word_count_bytewax,
    "word-count-pyflink": word_count_pyflink,
    "cluster": cluster,
    "checkpoints": checkpoints,
    "state": state,
    "state-bytewax": state_bytewax,
    "state-with-checkpoints": state_with_checkpoints,
    "pauses": pauses,
    "live-view": live_view,
    "windowed-word-count": windowed_word_count,
    "windowed-word-count-of-one-source": windowed_word_count_of_one_source,
    "map-filter-map": partial(against_bare, "map, filter, map", "map_filter_map", 15_000_000),
    "costly-map": costly_map,
    "python-source": partial(against_bare, "python source", "python_source", 10_000_000),
    "split-union": partial(against_bare, "split, union", "split_union", 8_000_000),
    "iterate": partial(against_bare, "iterate", "iterate", 500_000),
    "text-to-text": text_to_text,
    "text-from-hdfs": text_from_hdfs,
    "count-windows": count_windows,
    "lines-from-kafka": lines_from_kafka,
    "start-up": start_up,
    "latency": latencies,
    "memory": memory,
}

# Those that take many minutes, and how often their contestants run at most.
SLOW = frozenset(
    ["cluster", "state", "state-bytewax", "state-with-checkpoints", "pauses", "word-count-pyflink", "count-windows"]
)
RUNS_OF_SLOW = 3

# Those whose instructions can be counted: what they do goes by records, not by time, and is done by their processes.
COUNTED = frozenset(
    [
        "word-count",
        "word-count-bytewax",
        "map-filter-map",
        "costly-map",
        "python-source",
        "split-union",
        "iterate",
        "text-to-text",
        "start-up",
    ]
)
