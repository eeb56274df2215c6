"""Jobs whose files are in a remote store; here fsspec's own in memory, which is within one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from stream_engine.api.files import WriteMode
from stream_engine.job import InvalidProgramException, JobExecutionException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from launched import Jobs


@pytest.fixture
def store() -> Iterator[Any]:
    system: Any = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_text_is_read_from_a_store_and_written_to_it(inline: Jobs, store: Any, parallelism: int) -> None:
    lines = [f"line {number}" for number in range(1000)]
    store.pipe_file("/in/text", "\n".join(lines).encode())
    env = inline.environment(parallelism)
    env.read_text_file("memory:///in").map(str.upper).write_as_text("memory:///out")

    env.execute()

    files = sorted(store.find("/out"))
    assert files == (["/out"] if parallelism == 1 else ["/out/1", "/out/2"])
    written = [line for file in files for line in store.cat_file(file).decode().splitlines()]
    assert sorted(written) == sorted(map(str.upper, lines))


@pytest.mark.parametrize("existing", ["/out", "/out/1", "/out/part-1-0"])
def test_an_output_that_exists_is_refused_or_replaced(inline: Jobs, store: Any, existing: str) -> None:
    store.pipe_file(existing, b"theirs\n")
    env = inline.environment(2)
    words = env.from_elements("a")
    words.write_as_text("memory:///out")
    with pytest.raises(JobExecutionException, match="the output memory:///out exists already"):
        env.execute()
    assert store.cat_file(existing) == b"theirs\n"

    env = inline.environment(2)
    env.from_elements("a").write_as_text("memory:///out", WriteMode.OVERWRITE)
    env.execute()

    assert sorted(store.find("/out")) == ["/out/1", "/out/2"]


@pytest.mark.parametrize("name", ["1", "part-1-0"])
def test_what_is_read_from_a_store_cannot_be_overwritten(inline: Jobs, store: Any, name: str) -> None:
    store.pipe_file(f"/out/{name}", b"theirs\n")
    env = inline.environment(2)
    env.read_text_file("memory:///out").write_as_text("memory:///out", WriteMode.OVERWRITE)

    with pytest.raises(InvalidProgramException, match="read and write memory:///out"):
        env.execute()
    assert store.cat_file(f"/out/{name}") == b"theirs\n"
