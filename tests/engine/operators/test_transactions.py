"""Sinks that remember: their place in a file, their own state, or transactions that are committed with a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from listed import ListHost, function

from stream_engine.api.functions import RichSinkFunction
from stream_engine.graph import specs
from stream_engine.operators.sinks import WrittenFiles, written_files_in
from stream_engine.operators.snapshot import OperatorSnapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

LOG: list[Any] = []


class Transactional(RichSinkFunction):
    """Notes what is done to it."""

    def __init__(self) -> None:
        self.begun = 0

    def open(self, config: Any) -> None:
        LOG.append("open")

    def close(self) -> None:
        LOG.append("close")

    def begin(self) -> list[Any]:
        self.begun += 1
        self.records: list[Any] = [f"t{self.begun}"]
        return self.records

    def invoke(self, value: Any) -> None:
        self.records.append(value)

    def preCommit(self, transaction: Any) -> None:
        LOG.append(("pre_commit", *transaction))

    def commit(self, transaction: Any) -> None:
        LOG.append(("commit", *transaction))

    def abort(self, transaction: Any) -> None:
        LOG.append(("abort", *transaction))


SINK = specs.FunctionSink(function(Transactional(), "invoke"), transactional=True)


def sink(snapshots: Sequence[Any] = (), width: int = 1, index: int = 0) -> ListHost:
    LOG.clear()
    return ListHost(SINK, snapshots=snapshots, width=width, index=index)


def complete(host: ListHost, checkpoint: int) -> None:
    for operator in host.chain.operators:
        operator.on_checkpoint_complete(checkpoint)


def commit(host: ListHost) -> None:
    for operator in host.chain.operators:
        assert operator.commits
        operator.commit()


def test_a_transaction_is_pre_committed_at_a_checkpoint_and_committed_after_it() -> None:
    host = sink()
    host.process(1, 2)
    host.snapshot(1)
    host.process(3)
    assert LOG == ["open", ("pre_commit", "t1", 1, 2)]
    complete(host, 1)
    assert LOG[2:] == [("commit", "t1", 1, 2)]


def test_only_what_the_checkpoint_counts_is_committed() -> None:
    host = sink()
    host.process(1)
    host.snapshot(1)
    host.process(2)
    # The news of the first checkpoint comes late.
    host.snapshot(2)
    complete(host, 1)
    assert [entry for entry in LOG if entry[0] == "commit"] == [("commit", "t1", 1)]


def test_what_an_aborted_checkpoint_has_pre_committed_is_committed_with_the_next() -> None:
    host = sink()
    host.process(1)
    host.snapshot(1)
    host.process(2)
    host.snapshot(2)
    complete(host, 2)
    assert [entry for entry in LOG if entry[0] == "commit"] == [("commit", "t1", 1), ("commit", "t2", 2)]


def test_without_checkpoints_everything_is_committed_once_the_whole_job_has_finished() -> None:
    host = sink()
    host.process(1, 2)
    host.end()
    assert LOG == ["open", ("pre_commit", "t1", 1, 2)]
    commit(host)
    assert LOG[2:] == [("commit", "t1", 1, 2)]
    for operator in host.chain.operators:
        operator.close()
    assert LOG[3:] == ["close"]


def test_the_last_writes_are_committed_by_a_checkpoint_after_the_input_ended() -> None:
    host = sink()
    host.process(1)
    host.end()
    complete(host, 6)
    assert LOG[-1] == ("pre_commit", "t1", 1)
    snapshot = host.snapshot(7)
    complete(host, 7)
    assert LOG[-1] == ("commit", "t1", 1)
    assert snapshot[0].split == {"pending": [["t1", 1]], "open": []}


def test_a_restored_job_commits_what_its_checkpoint_counts_and_aborts_the_rest() -> None:
    first = sink()
    first.process(1)
    snapshot = first.snapshot(1)
    second = sink([snapshot])
    second.process(2)
    assert LOG == ["open", ("commit", "t1", 1), ("abort", "t2")]
    second.snapshot(2)
    complete(second, 2)
    assert LOG[3:] == [("pre_commit", "t1", 2), ("commit", "t1", 2)]


def test_a_job_that_is_stopped_aborts_what_is_open_and_leaves_what_is_pre_committed() -> None:
    host = sink()
    host.process(1)
    host.snapshot(1)
    host.process(2)
    for operator in host.chain.operators:
        operator.close()
    assert LOG == ["open", ("pre_commit", "t1", 1), ("abort", "t2", 2), "close"]


@pytest.mark.parametrize("width", [1, 3])
def test_at_another_parallelism_each_transaction_is_committed_by_one_subtask(width: int) -> None:
    snapshots: list[Any] = []
    for index in range(2):
        host = sink(width=2, index=index)
        host.process(index)
        snapshots.append(host.snapshot(1))
    committed: list[Any] = []
    for index in range(width):
        sink(snapshots, width, index)
        committed += [entry for entry in LOG if entry[0] == "commit"]
    assert sorted(committed) == [("commit", "t1", 0), ("commit", "t1", 1)]


# --- other sinks -----------------------------------------------------------------------------------------------------


class Remembering:
    """A sink with state of its own, which is not divided."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def invoke(self, value: Any) -> None:
        self.seen.append(value)
        LOG.append(tuple(self.seen))

    def snapshot_state(self) -> Any:
        return self.seen

    def restore_state(self, state: Any) -> None:
        self.seen = state


def test_a_sink_may_keep_state_without_transactions() -> None:
    operator = specs.FunctionSink(function(Remembering(), "invoke"))
    first = ListHost(operator)
    first.process(1, 2)
    LOG.clear()
    ListHost(operator, snapshots=[first.snapshot()]).process(3)
    assert LOG == [(1, 2, 3)]


def test_lines_are_flushed_before_their_position_is_kept_where_a_new_writer_begins() -> None:
    sink = specs.TextFileSink("path")
    first = ListHost(sink)
    first.process("a", "b")
    snapshot = first.snapshot()
    assert first.writers[0].lines == ["a", "b"]
    second = ListHost(sink, snapshots=[snapshot])
    assert (first.writers[0].positions, second.writers[0].positions) == (None, {0: 2})


def test_at_a_lower_parallelism_the_first_writer_takes_over_the_other_files() -> None:
    sink = specs.TextFileSink("path")
    hosts = [ListHost(sink, index=index, width=3) for index in range(3)]
    for host, lines in zip(hosts, ("a", "ab", "abc"), strict=True):
        host.process(*lines)
    snapshots = [host.snapshot() for host in hosts]

    def positions(width: int) -> list[Any]:
        later = [ListHost(sink, index=i, width=width, snapshots=snapshots) for i in range(width)]
        return [host.writers[0].positions for host in later]

    assert positions(1) == [{0: 1, 1: 2, 2: 3}]
    assert positions(2) == [{0: 1, 2: 3}, {1: 2}]
    assert positions(4) == [{0: 1}, {1: 2}, {2: 3}, {}]


def test_sizes_of_files_without_a_writer_are_carried_on_to_every_later_checkpoint() -> None:
    sink = specs.TextFileSink("path")
    snapshots: list[Any] = []
    for width, lines in ((4, 10), (2, 20), (2, 30), (1, 40), (1, 50)):
        hosts = [ListHost(sink, index=index, width=width, snapshots=snapshots) for index in range(width)]
        for host in hosts:
            host.process(*range(lines + host.index))
        snapshots = [host.snapshot() for host in hosts]

    later = [ListHost(sink, index=index, width=3, snapshots=snapshots) for index in range(3)]
    assert [host.writers[0].positions for host in later] == [{0: 50, 3: 13}, {1: 31}, {2: 12}]


def test_what_was_written_elsewhere_is_not_the_position_in_another_file() -> None:
    first = ListHost(specs.TextFileSink("path"))
    first.process("a")
    second = ListHost(specs.TextFileSink("other"), snapshots=[first.snapshot()])
    assert second.writers[0].positions is None
    second.process("b", "c")
    assert ListHost(specs.TextFileSink("other"), snapshots=[second.snapshot()]).writers[0].positions == {0: 2}


def test_a_checkpoint_without_the_path_is_resumed_at_the_path_of_the_script() -> None:
    former = [{0: OperatorSnapshot(own={"position": size})} for size in (3, 4)]
    hosts = [ListHost(specs.TextFileSink("path"), index=i, width=1, snapshots=former) for i in range(1)]
    assert [host.writers[0].positions for host in hosts] == [{0: 3, 1: 4}]
    assert written_files_in({i: each[0] for i, each in enumerate(former)}) == WrittenFiles(None, {0: 3, 1: 4})


def test_bytes_for_a_socket_are_sent_before_a_checkpoint_counts_them() -> None:
    host = ListHost(specs.SocketSink("host", 1, function(str.upper)))
    host.process("a", "b")
    host.snapshot()
    assert host.writers[0].lines == ["A", "B"]
