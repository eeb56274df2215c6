"""An exception of a worker as the script's process gets it: rebuilt of plain data, with no code of its class run."""

from __future__ import annotations

import builtins
import pickle
import sys
import threading
from collections import namedtuple
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from stream_engine.failures.failure import Failure, Raised
from stream_engine.failures.remote_exception import RemoteTraceback, rebuilt, taken_down
from stream_engine.job import JobExecutionException
from stream_engine.report import shortened

if TYPE_CHECKING:
    from collections.abc import Callable


def sent(error: BaseException) -> Any:
    """The exception that the other process gets."""
    return rebuilt(pickle.loads(pickle.dumps(taken_down(error, shortened))))


class Rejected(ValueError):
    def __init__(self, code: int, record: object) -> None:
        super().__init__(f"rejected with {code}")
        self.code = code
        self.record = record


class Guarded(Exception):
    """Does all it can to be noticed."""

    calls: list[str] = []

    def __init__(self, text: str) -> None:
        self.calls.append("init")
        super().__init__(text)
        self.__dict__["text"] = text

    def __new__(cls, *args: Any) -> Any:
        cls.calls.append("new")
        return super().__new__(cls, *args)

    def __reduce__(self) -> Any:
        raise SystemExit(0)

    def __setstate__(self, state: Any) -> None:
        raise SystemExit(0)

    def __setattr__(self, name: str, value: Any) -> None:
        raise SystemExit(0)

    def __getattr__(self, name: str) -> Any:
        raise SystemExit(0)


def test_an_exception_with_an_init_of_its_own_keeps_class_text_and_attributes() -> None:
    error = sent(Rejected(7, {"id": (1, [2.5, b"x"])}))
    assert type(error) is Rejected
    assert (str(error), error.args) == ("rejected with 7", ("rejected with 7",))
    assert (error.code, error.record) == (7, {"id": (1, [2.5, b"x"])})


def test_no_code_of_the_class_is_run() -> None:
    original = Guarded("words")
    Guarded.calls.clear()
    error = sent(original)
    assert Guarded.calls == []
    assert type(error) is Guarded
    assert error.args == ("words",)
    assert vars(error) == {"text": "words"}


def test_a_value_that_is_no_plain_data_is_its_repr() -> None:
    lock = threading.Lock()
    error = sent(Rejected(1, [lock, namedtuple("Point", "x y")(1, 2)]))
    assert error.record == [repr(lock), (1, 2)]


def test_values_of_the_standard_library_stay_what_they_are() -> None:
    when, price = datetime(2020, 1, 2), Decimal("1.50")
    aware = when.replace(tzinfo=timezone.utc)
    assert sent(Rejected(1, (when, price))).record == (when, price)
    assert sent(Rejected(1, aware)).record == repr(aware)


def test_values_without_end_are_cut() -> None:
    endless: list[Any] = []
    endless.append(endless)
    wide: Any = 1
    for _ in range(40):
        wide = [wide, wide]
    assert "..." in repr(sent(Rejected(1, endless)).record)
    assert len(repr(sent(Rejected(1, wide)).record)) < 100_000


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "No such file", "/gone"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        KeyError("a"),
        SyntaxError("invalid", ("f.py", 1, 2, "x y", 1, 3)),
        ImportError("no module", name="gone"),
        StopIteration(5),
    ],
)
def test_pythons_own_exceptions_come_as_they_are(error: BaseException) -> None:
    other = sent(error)
    assert type(other) is type(error)
    assert str(other) == str(error)
    for name in ("filename", "errno", "start", "lineno", "name", "value"):
        assert getattr(other, name, None) == getattr(error, name, None)


def test_a_class_that_is_not_known_here_is_its_nearest_base() -> None:
    class Local(Rejected):
        pass

    error = sent(Local(3, None))
    assert (type(error), error.code) == (Rejected, 3)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there are no groups")
def test_a_group_has_its_exceptions() -> None:
    group: Callable[..., Any] = getattr(builtins, "ExceptionGroup")  # noqa: B009
    error = sent(group("several", [KeyError("a"), Rejected(2, None)]))
    assert [type(part) for part in error.exceptions] == [KeyError, Rejected]
    assert error.exceptions[1].code == 2


def test_the_cause_of_a_failed_job_is_made_when_it_is_asked_for() -> None:
    failed = JobExecutionException.of(Failure(Raised("it"), exception=taken_down(Rejected(7, 1), shortened)), "id")
    kept = pickle.loads(pickle.dumps(failed))
    for each in (failed, kept):
        assert isinstance(each.__cause__, Rejected)
        assert each.__cause__ is each.__cause__
        assert isinstance(each.__cause__.__cause__, RemoteTraceback)
        assert each.jobID == "id"


def test_a_cause_that_cannot_be_rebuilt_says_what_it_was() -> None:
    taken = taken_down(UnicodeError("x"), shortened)._replace(classes=(), base="UnicodeError")
    cause = JobExecutionException.of(Failure(Raised("what it was"), exception=taken), "id").__cause__
    assert (type(cause), str(cause)) == (RuntimeError, "what it was")


def test_a_failed_job_keeps_the_cause_that_a_script_gives_it() -> None:
    cause = KeyError("mine")
    with pytest.raises(JobExecutionException) as caught:
        raise JobExecutionException("failed") from cause
    assert caught.value.__cause__ is cause
    assert JobExecutionException("failed").__cause__ is None
