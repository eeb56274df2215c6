"""How the benchmarks should turn out."""

from __future__ import annotations

from results import Limit

# By benchmark, ours, and what it is compared with. Ratios say how many times as fast ours is, at start-up how many
# times as long it takes.
WANTED = {
    ("word count", "1 worker", "bare loop"): Limit(least=1.2),
    ("word count", "1 worker, object reuse", "1 worker"): Limit(0.9, 1.1),
    ("word count", "2 workers", "1 worker"): Limit(least=1.35),
    ("word count", "1 worker", "bytewax"): Limit(least=4.5),
    ("word count", "1 worker", "PyFlink"): Limit(least=50),
    ("cluster", "Flink, 2 slots", "2 workers"): Limit(least=0.6),
    ("cluster", "Flink, 2 slots", "PyFlink, 2 slots"): Limit(least=15),
    ("live view", "1 worker, view", "1 worker, not watched"): Limit(least=0.98),
    ("live view", "1 worker, served", "1 worker, not watched"): Limit(least=0.98),
    ("live view", "2 workers, view", "2 workers, not watched"): Limit(least=0.98),
    ("live view", "2 workers, served", "2 workers, not watched"): Limit(least=0.98),
    ("windowed word count", "2 workers", "1 worker"): Limit(least=1.7),
    ("checkpoints each second", "1 worker", "none"): Limit(least=0.95),
    ("checkpoints each second", "2 workers", "none, 2 workers"): Limit(least=0.95),
    ("keyed reduce, 1,000 keys", "rocksdb", "hashmap"): Limit(least=0.67),
    ("keyed reduce, 1,000,000 keys", "rocksdb", "hashmap"): Limit(least=0.25),
    ("keyed reduce, 1,000 keys", "1 worker", "bytewax"): Limit(least=1),
    ("keyed reduce, 1,000 keys, checkpoints", "1 worker", "bytewax"): Limit(least=1),
    ("keyed reduce, 100,000 keys", "1 worker", "bytewax"): Limit(least=1),
    ("keyed reduce, 100,000 keys, checkpoints", "1 worker", "bytewax"): Limit(least=1),
    ("1,000,000 keys, checkpoints", "hashmap, each second", "hashmap, none"): Limit(least=0.95),
    ("1,000,000 keys, checkpoints", "rocksdb, incremental", "rocksdb, none"): Limit(least=0.87),
    ("latency with checkpoints", "1,000,000 keys", "p99"): Limit(most=25),
    ("latency with checkpoints", "4,000,000 keys", "p99"): Limit(most=25),
    ("map, filter, map", "1 worker", "bare loop"): Limit(least=1.2),
    ("python source", "1 worker", "bare loop"): Limit(least=0.85),
    ("split, union", "1 worker", "bare loop"): Limit(least=0.85),
    ("iterate", "1 worker", "bare loop"): Limit(least=0.8),
    ("costly map", "2 workers", "1 worker"): Limit(least=1.85),
    ("text to text", "2 workers", "1 worker"): Limit(least=1.7),
    ("text from HDFS", "1 worker", "bare loop"): Limit(least=0.7),
    ("word count", "1 worker, CPU", "2 workers, CPU"): Limit(least=0.75),
    ("count windows in a row", "each of 100", "each of 10"): Limit(most=1),
    ("count windows in a row", "each of 1000", "each of 10"): Limit(most=1),
    ("lines from Kafka", "1 worker", "bare loop"): Limit(least=0.7),
    ("start-up", "1 worker", "import"): Limit(most=3),
    ("start-up", "2 workers", "import"): Limit(most=4),
    ("start-up", "1 worker", "bytewax"): Limit(most=1),
    ("start-up", "8 workers", "seconds"): Limit(most=0.25),
    ("start-up", "64 workers", "seconds"): Limit(most=0.9),
    ("latency", "2 workers", "p50"): Limit(most=2),
    ("latency", "2 workers", "p99"): Limit(most=10),
    ("memory", "2 workers", "USS of one"): Limit(most=25),
}
