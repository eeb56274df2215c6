"""pyflink_stream.testing: what a test of somebody's own job gets to see."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from launched import PATIENCE

from pyflink_stream import testing
from pyflink_stream.program import NoEntryPoint, ProgramNotFound
from pyflink_stream.testing import JobExecutionException, UnavailableRecord, collect, run
from stream_engine.accumulators import IntCounter
from stream_engine.api.functions import MapFunction, RichMapFunction

if TYPE_CHECKING:
    from pathlib import Path

    from launched import Command

HOSTS = pytest.mark.parametrize("one_process", [True, False], ids=["one process", "workers"])
PARALLELISMS = pytest.mark.parametrize("parallelism", [1, 2])


@dataclass(frozen=True)
class Square:
    """A class of the test's own module, whose instances come back from workers."""

    of: int
    value: int


class Squaring(MapFunction):
    def map(self, value: int) -> Square:
        return Square(value, value * value)


def squares(factory: Any) -> None:
    env = factory.get_execution_environment()
    env.generate_sequence(1, 4).map(Squaring()).output()
    env.execute("Squares")


# --- what comes of it ---


@HOSTS
@PARALLELISMS
def test_records_of_output_are_objects(one_process: bool, parallelism: int) -> None:
    result = run(squares, parallelism=parallelism, one_process=one_process)

    assert sorted(result.records(), key=lambda square: square.of) == [Square(n, n * n) for n in range(1, 5)]


@HOSTS
def test_lines_are_what_was_written_to_standard_output(one_process: bool, capsys: pytest.CaptureFixture[str]) -> None:
    def loud(value: str) -> str:
        print("mapping", value)
        return value.upper()

    def main(factory: Any) -> None:
        print("begins")
        env = factory.get_execution_environment()
        env.from_elements("a\nb").map(loud).output("letters")
        env.execute()
        print("ends", end="")

    result = run(main, one_process=one_process)

    assert sorted(result.lines) == ["B", "b", "begins", "ends", "letters> A", "mapping a"]
    assert result.lines[0] == "begins"
    assert result.lines[-1] == "ends"
    assert capsys.readouterr().out.splitlines() == result.lines


@HOSTS
def test_streams_are_told_apart_by_name(one_process: bool) -> None:
    def main(factory: Any) -> None:
        env = factory.get_execution_environment()
        numbers = env.generate_sequence(1, 6)
        collect(numbers, "numbers")
        numbers.filter(lambda number: number % 2 == 0).output("even")
        collect(numbers.filter(lambda number: number > 6), "large")
        env.execute()

    result = run(main, parallelism=2, one_process=one_process)

    assert sorted(result.records("numbers")) == [1, 2, 3, 4, 5, 6]
    assert sorted(result.records("even")) == [2, 4, 6]
    assert result.records("large") == []
    with pytest.raises(KeyError, match=r"no job has an output\(''\).* there are: 'even', 'large', 'numbers'"):
        result.records()


def test_records_are_as_they_were_when_they_came() -> None:
    class Reusing:
        def run(self, ctx: Any) -> None:
            row = [0]
            for number in range(3):
                row[0] = number
                ctx.collect(row)

    def main(factory: Any) -> None:
        env = factory.get_execution_environment()
        env.add_source(Reusing()).output()
        env.execute()

    assert run(main).records() == [[0], [1], [2]]


@HOSTS
def test_several_jobs_add_up(one_process: bool) -> None:
    def main(factory: Any) -> None:
        env = factory.get_execution_environment()
        for name in "first", "second":
            env.from_elements(name).output()
            env.execute(name)

    result = run(main, one_process=one_process)

    assert [job.job_name for job in result.jobs] == ["first", "second"]
    assert result.lines == result.records() == ["first", "second"]


@HOSTS
def test_accumulators_are_the_users_own(one_process: bool) -> None:
    class Counting(RichMapFunction):
        def open(self, config: Any) -> None:
            self.counter = IntCounter()
            self.get_runtime_context().add_accumulator("records", self.counter)

        def map(self, value: int) -> int:
            self.counter.add(1)
            return value

    def main(factory: Any) -> None:
        env = factory.get_execution_environment()
        env.generate_sequence(1, 10).map(Counting()).output()
        env.execute()

    [job] = run(main, parallelism=2, one_process=one_process).jobs

    assert job.get_all_accumulator_results() == {"records": 10}


@HOSTS
@PARALLELISMS
def test_files_have_the_lines_that_were_written(tmp_path: Path, one_process: bool, parallelism: int) -> None:
    def main(factory: Any) -> None:
        env = factory.get_execution_environment()
        env.generate_sequence(1, 4).write_as_text(sys.argv[1])
        env.execute()

    path = str(tmp_path / "numbers")
    result = run(main, [path], parallelism=parallelism, one_process=one_process)

    assert list(result.files) == [path]
    assert sorted(result.files[path]) == ["1", "2", "3", "4"]


@HOSTS
def test_a_failure_is_raised_with_the_users_exception_as_its_cause(one_process: bool) -> None:
    def main(factory: Any) -> None:
        env = factory.get_execution_environment()
        env.from_elements(1, 0).map(lambda value: 1 // value).name("reciprocals").output()
        env.execute()

    with pytest.raises(JobExecutionException, match=r"in operator 'reciprocals'") as failure:
        run(main, parallelism=2, one_process=one_process)
    assert isinstance(failure.value.__cause__, ZeroDivisionError)


@HOSTS
def test_records_that_cannot_be_pickled_do_no_harm_until_they_are_asked_for(one_process: bool) -> None:
    def main(factory: Any) -> None:
        env = factory.get_execution_environment()
        env.from_elements(1).map(lambda _: threading.Lock()).output()
        env.execute()

    result = run(main, one_process=one_process)

    assert "lock" in result.lines[0]
    with pytest.raises(UnavailableRecord, match=r"lock .* cannot be pickled"):
        result.records()


def test_one_process_is_the_tests_own_so_that_debuggers_stop_in_functions() -> None:
    def main(factory: Any) -> None:
        env = factory.get_execution_environment()
        env.from_elements(1).map(lambda _: (os.getpid(), threading.get_ident())).output()
        env.execute()

    assert run(main, one_process=True).records() == [(os.getpid(), threading.get_ident())]
    assert run(main).records()[0][0] != os.getpid()


def test_a_plan_that_is_not_executed_is_warned_of() -> None:
    with pytest.warns(UserWarning, match=r"a plan that was not run: call execute\(\)"):
        run(lambda factory: factory.get_execution_environment().from_elements(1).output())


def test_ctrl_c_stops_the_tests() -> None:
    pid = os.getpid()

    def main(factory: Any) -> None:
        env = factory.get_execution_environment()
        env.from_elements(1).map(lambda _: os.kill(pid, signal.SIGINT)).output()
        # What ends the job must be the signal.
        env.socket_text_stream("127.0.0.1", 1).output()
        env.execute()

    with pytest.raises(KeyboardInterrupt):
        run(main, configuration={"source.socket.max-retries": -1})


# --- what goes into it ---


def test_parallelism_and_configuration_are_the_jobs() -> None:
    def main(factory: Any) -> None:
        env = factory.get_execution_environment()
        env.from_elements(env.get_parallelism()).output()
        env.execute()

    result = run(main, parallelism=3, configuration={"pipeline.name": "configured"})

    assert (result.records(), result.jobs[0].job_name) == ([3], "configured")


def test_a_misspelt_key_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="unknown key 'paralelism.default'; did you mean 'parallelism.default'"):
        run(squares, configuration={"paralelism.default": 2}, one_process=True)


@HOSTS
def test_parameters_are_those_of_the_script_in_main_and_in_functions(one_process: bool) -> None:
    def main(factory: Any) -> None:
        env = factory.get_execution_environment()
        env.from_elements(list(sys.argv)).map(lambda argv: (argv, list(sys.argv))).output()
        env.execute()

    [(in_main, in_function)] = run(main, ["--input", "x"], one_process=one_process).records()

    assert in_main == in_function == [__file__, "--input", "x"]


@pytest.fixture
def pricing(tmp_path: Path) -> Path:
    package = tmp_path / "pricing"
    package.mkdir()
    (package / "__init__.py").write_text("from pricing.rates import RATE\n")
    (package / "rates.py").write_text("RATE = 3\n")
    return package


@HOSTS
def test_packages_are_importable_in_main_and_in_functions_and_gone_afterwards(pricing: Path, one_process: bool) -> None:
    def priced(amount: int) -> int:
        import pricing.rates  # pyright: ignore[reportMissingImports]

        return amount * pricing.rates.RATE

    def main(factory: Any) -> None:
        import pricing  # pyright: ignore[reportMissingImports]

        env = factory.get_execution_environment()
        env.from_elements(pricing.RATE).map(priced).output()
        env.execute()

    path, argv, finders = list(sys.path), list(sys.argv), list(sys.meta_path)

    result = run(main, packages=[pricing], one_process=one_process)

    assert result.records() == [9]
    assert not [name for name in sys.modules if name.partition(".")[0] == "pricing"]
    assert (sys.path, sys.argv, sys.meta_path) == (path, argv, finders)


def test_a_package_in_place_of_one_that_the_tests_have_is_theirs_again_afterwards(
    pricing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "pricing.py").write_text("RATE = 7\n")
    monkeypatch.syspath_prepend(pricing.parent)
    import pricing as own  # pyright: ignore[reportMissingImports]

    def main(factory: Any) -> None:
        import pricing  # pyright: ignore[reportMissingImports]

        env = factory.get_execution_environment()
        env.from_elements(pricing.RATE).output()
        env.execute()

    assert run(main, packages=[other / "pricing.py"]).records() == [7]
    assert sys.modules["pricing"] is own
    assert sys.modules["pricing.rates"].RATE == own.RATE == 3
    del sys.modules["pricing"], sys.modules["pricing.rates"]


SCRIPT = dedent("""
    import sys
    from org.apache.flink.api.common.functions import MapFunction

    runs = []

    class Tag:
        def __init__(self, value):
            self.value = value

    class Tagging(MapFunction):
        def map(self, value):
            return Tag(value)

    def main(factory):
        runs.append(1)
        env = factory.get_execution_environment()
        env.from_elements(len(runs), *sys.argv).map(Tagging()).output()
        env.execute()
""")


@HOSTS
def test_a_script_is_run_by_its_path_and_loaded_anew_each_time(tmp_path: Path, one_process: bool) -> None:
    script = tmp_path / "tagging.py"
    script.write_text(SCRIPT)

    for _ in range(2):
        records = run(script, ["x"], parallelism=2, one_process=one_process).records()
        assert {record.value for record in records} == {1, str(script), "x"}
    assert "tagging" not in sys.modules


@HOSTS
def test_main_may_be_a_function_of_a_module_that_the_tests_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_process: bool
) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "random.py").write_text(SCRIPT)
    monkeypatch.syspath_prepend(tmp_path)
    from jobs.random import Tag, main  # pyright: ignore[reportMissingImports]

    records = run(main, parallelism=2, one_process=one_process).records()

    assert {type(record) for record in records} == {Tag}


def test_everything_is_put_back_after_a_main_that_raises() -> None:
    def main(factory: Any) -> None:
        raise LookupError("nothing there")

    before = (list(sys.path), sys.argv, list(sys.meta_path), sys.stdout)
    with pytest.raises(LookupError, match="nothing there"):
        run(main)
    assert (sys.path, sys.argv, sys.meta_path, sys.stdout) == before


@pytest.mark.parametrize(
    ("main", "error", "message"),
    [
        (42, TypeError, "not 42"),
        (print, TypeError, "main is a function of a module, or the path of a script"),
        ("missing.py", ProgramNotFound, "missing.py: no such script"),
        (lambda one, two: None, NoEntryPoint, "main must take one argument"),
    ],
)
def test_what_is_no_main_is_refused(main: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        run(main)


# --- the processes behind it ---


def test_runs_continue_after_the_workers_server_was_killed() -> None:
    run(squares)
    server = testing._workers()
    os.kill(server.pid, signal.SIGKILL)
    # Until its end has been noticed.
    while True:
        try:
            server.exits(10)
        except EOFError:
            break
    assert len(run(squares).records()) == 4


@pytest.mark.parametrize("options", [[], ["--import-mode=importlib"], ["-p", "no:cacheprovider", "-W", "error"]])
def test_it_works_however_pytest_imports_the_tests(command: Command, options: list[str]) -> None:
    # given
    command.write(
        "tests/test_job.py",
        """
        import pytest
        from pyflink_stream.testing import run

        class Pair:
            def __init__(self, value):
                self.value = value
            def __eq__(self, other):
                return type(other) is Pair and other.value == self.value
            def __hash__(self):
                return hash(self.value)

        def paired(value):
            return Pair(value)

        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1, 2).map(paired).key_by(lambda pair: pair).reduce(lambda a, b: a).output()
            env.execute()

        def test_pairs():
            assert sorted(pair.value for pair in run(main, parallelism=2).records()) == [1, 2]
            assert Pair(1) in run(main, parallelism=2).records()
        """,
    )

    # when
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options, "tests"],
        cwd=command.directory,
        env=command.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )

    # then
    assert done.returncode == 0, done.stdout + done.stderr
