"""Files elsewhere: schemes and their packages, options, paths, and stores that fail for a while or for good."""

from __future__ import annotations

import errno
import gzip
import importlib.util
import subprocess
import sys
import time
from threading import Event
from typing import TYPE_CHECKING, Any

import fsspec
import pytest
from launched import PATIENCE, command_environment
from stores import memory

from stream_engine.configuration import Configuration
from stream_engine.connectors import schemes
from stream_engine.connectors.filesystem import resolve
from stream_engine.connectors.retrying import Patience, as_os_error, is_transient
from stream_engine.connectors.splits import FileSplit, list_splits
from stream_engine.connectors.storage_options import configure
from stream_engine.connectors.text import TextReader

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME_NODE_STARTS = (
    'RPCError("org.apache.hadoop.hdfs.server.namenode.SafeModeException", "Cannot create /a. Name node is in safe '
    'mode.\\nThe reported blocks 0 needs additional 2 blocks\\n\\tat org.apache.hadoop.hdfs...")'
)


@pytest.fixture
def store() -> Iterator[Any]:
    with memory() as system:
        yield system


@pytest.fixture
def configured() -> Iterator[Any]:
    """Sets options of file systems for one test."""
    yield lambda **options: configure(Configuration({key.replace("__", "."): each for key, each in options.items()}))
    configure(Configuration())


def read(path: str, parallelism: int = 1) -> list[list[str]]:
    readers = [TextReader(splits, block_size=100) for splits in list_splits(path, parallelism)]
    return [
        [line for lines in iter(lambda reader=reader: reader.read(7), None) for line in lines] for reader in readers
    ]


# --- schemes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "extra"), [("hdfs", "hdfs"), ("s3", "s3"), ("s3a", "s3")])
def test_a_scheme_without_its_package_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, scheme: str, extra: str
) -> None:
    monkeypatch.setattr(schemes, "find_spec", lambda name: None)

    with pytest.raises(ValueError, match=rf"{scheme}:// needs packages .* not installed: .*bin/venv\.sh {extra}$"):
        resolve(f"{scheme}://host:9/not-used-before")


def test_without_fsspec_other_schemes_say_that_they_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemes, "find_spec", lambda name: None)

    with pytest.raises(ValueError, match=r"install fsspec and its package for gs://$"):
        resolve("gs://bucket-not-used-before/a")


def test_a_scheme_that_fsspec_knows_names_the_package_that_it_needs() -> None:
    if importlib.util.find_spec("gcsfs") is not None:
        pytest.skip("gcsfs is installed")
    with pytest.raises(ValueError, match=r"gs:// needs a package that is not installed: .*gcsfs"):
        resolve("gs://bucket/a")


def test_a_scheme_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no file system is known for nonsense://"):
        resolve("nonsense://host/a")


def test_a_password_in_a_url_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match=r"sftp://me:\.\.\.@host: .* give that as fs\.sftp\.password") as refused:
        resolve("sftp://me:open-sesame@host/a")
    assert "sesame" not in str(refused.value)


def test_options_reach_the_client_in_the_types_that_it_takes(configured: Any) -> None:
    kind: Any = type("Shelf", (fsspec.AbstractFileSystem,), {"protocol": "shelf", "cachable": False})
    fsspec.register_implementation("shelf", kind, clobber=True)
    configured(
        fs__shelf__anon="true",
        fs__shelf__retries="3",
        fs__shelf__secret="0123",
        fs__shelf__client__region="north",
        fs__shelf__tags='{"a": [1]}',
        fs__other__anon="false",
    )

    file_system: Any = resolve("shelf://options/a")[0]

    assert file_system._system.storage_options == {
        "anon": True,
        "retries": 3,
        "secret": "0123",
        "client": {"region": "north"},
        "tags": {"a": [1]},
    }


def test_options_that_a_client_does_not_take_are_named_without_their_values(configured: Any) -> None:
    class Strict(fsspec.AbstractFileSystem):
        protocol = "strict"

        def __init__(self) -> None:
            super().__init__()

    fsspec.register_implementation("strict", Strict, clobber=True)
    configured(fs__strict__secret="sesame")

    with pytest.raises(OSError, match=r"strict:// cannot be used \(with the options fs\.strict\.secret\)") as refused:
        resolve("strict://host/a")
    assert "sesame" not in str(refused.value)


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_directory_a_glob_and_compressed_files_are_read(store: Any) -> None:
    store.pipe(
        {
            "/in/b.txt": b"b\n",
            "/in/a.txt.gz": gzip.compress(b"a\n"),
            "/in/_hidden.txt": b"no\n",
            "/in/.hidden.txt": b"no\n",
            "/in/deep/c.txt": b"c\n",
            "/in/deep/deeper/d.log": b"d\n",
        }
    )

    assert read("memory://in") == [["a", "b"]]
    assert read("memory:///in/*.txt") == [["b"]]
    assert read("memory:///in/**/*.txt") == [["b", "c"]]
    assert read("memory:///in/**") == [["a", "b", "c", "d"]]
    assert read("memory:///i?/d[de]*/c.txt") == [["c"]]
    with pytest.raises(FileNotFoundError, match=r"no file matches memory:///in/\*\.csv"):
        read("memory:///in/*.csv")
    with pytest.raises(FileNotFoundError, match=r"there is no file or directory memory:///out/a \(memory:///out"):
        read("memory:///out/a")


@pytest.mark.parametrize("parallelism", [1, 2, 3, 7])
def test_byte_ranges_read_in_parallel_have_each_line_once(store: Any, parallelism: int) -> None:
    lines = [f"{number} {'x' * (number % 50)}" for number in range(50_000)]
    store.pipe_file("/in", "\n".join(lines).encode())

    shares = read("memory:///in", parallelism)

    assert [line for share in shares for line in share] == lines
    assert all(shares)


def test_a_reader_resumes_where_another_one_was(store: Any) -> None:
    lines = [f"line {number}" for number in range(100_000)]
    store.pipe_file("/in", "\n".join(lines).encode())
    first, second = (TextReader([FileSplit("memory:///in", 0, store.size("/in"))]) for _ in range(2))
    read = [line for _ in range(700) for line in first.read(100) or ()]

    second.seek(first.position())

    rest = [line for some in iter(lambda: second.read(1000), None) for line in some]
    assert read + rest == lines


# --- stores that fail ------------------------------------------------------------------------------------------------


class Failing:
    """A call that fails with each of ``errors`` in turn, and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_what_may_pass_is_tried_again() -> None:
    busy = OSError(errno.EBUSY, "Please reduce your request rate.")
    call = Failing(busy, RuntimeError(NAME_NODE_STARTS), OSError("Connection refused (os error 111)"))

    assert Patience(100, 100).attempt(call, "x://a") == "done"
    assert call.calls == 4


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError("/a"),
        PermissionError("no"),
        OSError(errno.EINVAL, "no"),
        RuntimeError('RPCError("org.apache.hadoop.fs.PathIsNotEmptyDirectoryException", "/a is non empty")'),
        TypeError("wrong"),
    ],
)
def test_what_will_not_pass_is_not_tried_again(error: Exception) -> None:
    call = Failing(error)

    with pytest.raises(OSError, match="x://a") as failed:
        Patience(100, 100).attempt(call, "x://a")

    assert call.calls == 1
    assert failed.value.filename == "x://a"


def test_an_error_that_stays_is_told_with_how_long_it_was_tried() -> None:
    call = Failing(*[RuntimeError(NAME_NODE_STARTS)] * 100)

    with pytest.raises(OSError, match=r"Cannot create /a\. Name node is in safe mode \(given up after \d+ attempts"):
        Patience(0.5, 0.5).attempt(call, "x://a")
    assert call.calls > 1


def test_a_store_that_says_nothing_is_left_in_time() -> None:
    forever = Event()
    begun = time.monotonic()

    with pytest.raises(TimeoutError, match=r"no answer in .* fs\.timeout allows 60 s"):
        Patience(60, 0.3).attempt(forever.wait, "x://a")

    assert time.monotonic() - begun < 30
    forever.set()


def test_a_last_attempt_that_says_nothing_does_not_hide_why_the_others_failed() -> None:
    forever = Event()
    call = Failing(OSError("Connection refused (os error 111)"))

    with pytest.raises(OSError, match=r"Connection refused \(os error 111\) \(given up after 2 attempts"):
        Patience(1, 1).attempt(lambda: call() and forever.wait(), "x://a")
    forever.set()


def test_a_read_that_fails_halfway_is_repeated_from_there(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"line {number}" for number in range(200_000)]
    store.pipe_file("/in", "\n".join(lines).encode())
    opened = store.open
    failures = iter([None, OSError("Connection reset"), None, OSError(errno.EBUSY, "SlowDown")])

    def open_badly(path: str, *args: Any, **options: Any) -> Any:
        file = opened(path, *args, **options)
        failure = next(failures, None)
        if failure is not None:

            def fail(size: int) -> bytes:
                raise failure

            monkeypatch.setattr(file, "read", fail)
        return file

    monkeypatch.setattr(type(store), "open", lambda self, *args, **options: open_badly(*args, **options))

    assert read("memory:///in") == [lines]


LEFT_BEHIND = """
from threading import Event
from stream_engine.connectors.retrying import bounded

def late():
    Event().wait(1)
    print("came back", flush=True)

try:
    bounded(late, 0.1)
except TimeoutError:
    print("left behind", flush=True)
"""


def test_the_end_of_the_process_waits_for_a_client_that_was_left_behind() -> None:
    done = subprocess.run([sys.executable, "-c", LEFT_BEHIND], capture_output=True, text=True, timeout=PATIENCE)

    assert (done.returncode, done.stdout, done.stderr) == (0, "left behind\ncame back\n", "")


def test_errors_of_clients_are_one_line_with_their_number() -> None:
    error = as_os_error(RuntimeError(NAME_NODE_STARTS), "hdfs://a/b")

    assert (error.errno, error.filename) == (errno.EIO, "hdfs://a/b")
    assert error.strerror == "Cannot create /a. Name node is in safe mode"
    assert is_transient(RuntimeError(NAME_NODE_STARTS))


FORKS = """
import os, weakref
from stream_engine.connectors.remote_filesystem import remote

client = weakref.ref(remote("memory", "/")[0]._system)
child = os.fork()
if child == 0:
    # Where the client goes, it may wait for threads that only the parent has.
    os._exit(client() is None or remote("memory", "/")[0]._system is client())
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_process_that_is_forked_off_makes_clients_of_its_own_and_lets_the_others_be() -> None:
    subprocess.run([sys.executable, "-c", FORKS], env=command_environment(), check=True)
