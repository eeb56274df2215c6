"""What a person reads when a function of theirs fails in a worker, and how soon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from launched import alive, wait_until

if TYPE_CHECKING:
    from here import Here
    from launched import Done, Launcher

# Fails where its argument says; the line that does is marked.
FAILING = """
    import sys
    from org.apache.flink.api.common.functions import RichMapFunction
    from org.apache.flink.streaming.api.functions.sink import SinkFunction
    from org.apache.flink.streaming.api.functions.source import SourceFunction

    PLACE = sys.argv[1]

    def fail(place, value=None):
        if place == PLACE and value in (None, 7, (7, 7)):
            raise ValueError("boom")  # line 10

    class Numbers(SourceFunction):
        def run(self, ctx):
            for number in range(20):
                ctx.collect(number)
            fail("source")
        def cancel(self):
            pass

    class Opened(RichMapFunction):
        def open(self, config):
            fail("open")
        def close(self):
            fail("close")
        def map(self, value):
            fail("map", value)
            return value

    def flat(value, collector):
        fail("flat_map", value)
        collector.collect(value)

    def keep(value):
        fail("filter", value)
        return True

    def key(value):
        fail("key", value)
        return value % 2

    def add(a, b):
        fail("reduce")
        return b

    def windowed(key, window, values, collector):
        fail("apply")
        collector.collect(7)

    class Into(SinkFunction):
        def invoke(self, value):
            fail("sink", value)

    def main(factory):
        env = factory.get_execution_environment()
        numbers = env.create_python_source(Numbers()).map(Opened()).name("opened")
        numbers = numbers.flat_map(flat).name("flattened").filter(keep).name("kept")
        reduced = numbers.key_by(key).reduce(add).name("reduced")
        windows = reduced.key_by(key).count_window(3).apply(windowed).name("windows")
        windows.add_sink(Into()).name("into")
        env.execute()
"""

PLACES = {
    "source": ("Source: Numbers", None),
    "open": ("opened", None),
    "close": ("opened", None),
    "map": ("opened", "7"),
    "flat_map": ("flattened", "7"),
    "filter": ("kept", "7"),
    "key": ("reduced", "7"),
    "reduce": ("reduced", "2"),
    "apply": ("windows", None),
    "sink": ("into", "7"),
}


def report(done: Done) -> str:
    """The standard error of a job that failed, without a word about the engine's inside."""
    assert done.code == 1
    assert "stream_engine" not in done.err
    assert "pyflink_stream" not in done.err
    return done.err


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("place", PLACES)
def test_an_exception_names_operator_subtask_record_and_line(here: Here, place: str, parallelism: int) -> None:
    err = report(here.run(FAILING, "-p", parallelism, "-", place))
    operator, record = PLACES[place]
    assert "ValueError: boom" in err
    assert f"'{operator}' (subtask " in err or f"of '{operator}'" in err
    assert f'{here.directory / "program.py"}", line 10, in fail' in err
    if record is not None and parallelism == 1:
        assert f"with the record {record}" in err


def test_an_exception_that_cannot_be_pickled_is_told(here: Here) -> None:
    err = report(
        here.run(
            """
            import threading
            def fail(value):
                class Local(Exception):
                    lock = threading.Lock()
                raise Local(threading.Lock(), "own words")
            def main(factory):
                env = factory.get_execution_environment()
                env.from_elements(1).map(fail).output()
                env.execute()
            """
        )
    )
    assert "own words" in err
    assert "line 5, in fail" in err


def test_the_report_of_a_collected_record_shows_the_source_that_collected_it(here: Here) -> None:
    err = report(
        here.run(
            """
            import time
            from org.apache.flink.streaming.api.functions.source import SourceFunction
            class Slow(SourceFunction):
                def run(self, ctx):
                    self.collect(ctx)
                def collect(self, ctx):
                    try:
                        ctx.collect(0)
                    finally:
                        time.sleep(0.05)
                def cancel(self):
                    pass
            def main(factory):
                env = factory.get_execution_environment()
                env.create_python_source(Slow()).map(lambda value: 1 // value).output()
                env.execute()
            """
        )
    )
    assert [
        place for place in ("line 5, in run", "line 8, in collect", "line 15, in <lambda>") if place not in err
    ] == []


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_source_that_waits_does_not_keep_a_failed_job(here: Here, parallelism: int) -> None:
    err = report(
        here.run(
            """
            import time
            from org.apache.flink.streaming.api.functions.source import SourceFunction
            class Waiting(SourceFunction):
                def run(self, ctx):
                    ctx.collect(0)
                    ctx.collect(0)
                    time.sleep(1000)
                def cancel(self):
                    pass
            def main(factory):
                env = factory.get_execution_environment()
                env.create_python_source(Waiting()).rebalance().map(lambda value: 1 // value).output()
                env.execute()
            """,
            "-p",
            parallelism,
        )
    )
    assert "ZeroDivisionError" in err
    assert "line 12, in <lambda>" in err


def test_the_script_can_catch_a_failed_job_and_run_another(here: Here) -> None:
    lines = here.lines(
        """
        from org.apache.flink.runtime.client import JobExecutionException
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(0).map(lambda value: 1 // value).output()
            try:
                env.execute()
            except JobExecutionException as error:
                print(type(error.__cause__).__name__)
            env.from_elements("again").output()
            env.execute()
        """,
        "-p",
        2,
    )
    assert lines == ["ZeroDivisionError", "1> again"] or lines == ["ZeroDivisionError", "2> again"]


KEYED = """
    import sys, threading
    class Plain:
        pass
    def main(factory):
        env = factory.get_execution_environment()
        keys = {"unhashable": lambda v: [v], "identity": lambda v: Plain(), "nan": lambda v: float("nan")}
        numbers = env.from_elements(1, 2, 3).map(lambda value: value)
        numbers.key_by(keys[sys.argv[1]]).reduce(lambda a, b: b).output()
        env.execute()
"""


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("unhashable", ("list", "key", "tuple")),
        ("identity", ("Plain", "cannot be a key", "__eq__ nor __hash__")),
        ("nan", ("nan", "cannot be a key")),
    ],
)
def test_a_key_that_cannot_be_one_is_refused(here: Here, key: str, words: tuple[str, ...], parallelism: int) -> None:
    err = report(here.run(KEYED, "-p", parallelism, "-", key))
    assert all(word in err for word in words), err
    assert "with the record " in err


NOTHING = """
    import sys
    from org.apache.flink.streaming.api.functions.source import SourceFunction
    def known(value):
        if value != 2:
            return value
    class Numbers(SourceFunction):
        def run(self, ctx):
            ctx.collect(None)
    def main(factory):
        env = factory.get_execution_environment()
        others = env.from_elements(4, 5).filter(lambda value: True)
        numbers = env.from_elements(1, 2, 3)
        if "source" in sys.argv:
            numbers = env.create_python_source(Numbers())
        else:
            numbers = numbers.map(known)
        numbers = numbers.filter(lambda value: True).union(others)
        numbers.key_by(lambda value: 0).flat_map(lambda value, out: out.collect(value + 1)).name("next").output()
        env.execute()
"""


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_record_that_is_none_is_traced_to_the_function_that_returned_it(here: Here, parallelism: int) -> None:
    err = report(here.run(NOTHING, "-p", parallelism))
    first, second, third, *_ = err.splitlines()
    assert first.startswith("TypeError: unsupported operand type(s) for +: 'NoneType' and 'int'. The record is None: ")
    assert first.endswith("program.py:16, returned it; is there a way through it without a return?")
    assert "in operator 'next' (subtask " in second
    assert third == "  with the record None"


def test_a_none_that_no_function_returned_is_only_shown(here: Here) -> None:
    first, *_ = report(here.run(NOTHING, "-", "source")).splitlines()
    assert first.endswith("TypeError: unsupported operand type(s) for +: 'NoneType' and 'int'")


def test_an_address_in_use_is_reported_with_what_to_do(here: Here) -> None:
    err = report(
        here.run(
            """
            import socket
            from org.apache.flink.api.common.functions import RichMapFunction
            class Serving(RichMapFunction):
                def open(self, config):
                    self.first = socket.create_server(("127.0.0.1", 0))
                    self.second = socket.create_server(self.first.getsockname())
                def map(self, value):
                    return value
            def main(factory):
                env = factory.get_execution_environment()
                env.from_elements(1).map(Serving()).output()
                env.execute()
            """
        )
    )
    first, second, *_ = err.splitlines()
    assert "Address already in use" in first
    assert first.endswith("stop it, or use another port")
    assert "'Map: Serving' (subtask 1 of 1, made at" in second
    assert second.endswith("while it was being opened")


def test_what_led_to_an_exception_is_reported_behind_it(here: Here) -> None:
    err = report(
        here.run(
            """
            def price(record):
                try:
                    return record["price"]
                except KeyError as error:
                    raise ValueError("no price") from error
            def main(factory):
                env = factory.get_execution_environment()
                env.from_elements({"name": "a"}).map(price).output()
                env.execute()
            """
        )
    )
    path = here.directory / "program.py"
    lines = err.splitlines()
    assert lines[0] == "ValueError: no price"
    assert lines[2] == "  with the record {'name': 'a'}"
    assert lines[3] == f'  File "{path}", line 5, in price'
    cause = lines.index("caused by KeyError: 'price'")
    assert lines[cause + 1 : cause + 3] == [f'  File "{path}", line 3, in price', '    return record["price"]']


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_selector_that_returns_nothing_is_told_what_to_return(here: Here, parallelism: int) -> None:
    err = report(
        here.run(
            """
            from org.apache.flink.streaming.api.collector.selector import OutputSelector
            class Parity(OutputSelector):
                def select(self, value):
                    if value != 7:
                        return ["even"] if value % 2 == 0 else ["odd"]
            def main(factory):
                env = factory.get_execution_environment()
                env.generate_sequence(1, 9).split(Parity()).select("odd").map(lambda value: None)
                env.execute()
            """,
            "-p",
            parallelism,
        )
    )
    assert "the selector of a split returned None: it must return the names of the outputs" in err
    assert "in operator 'Split: Parity' (subtask 1 of" in err
    assert "with the record 7" in err


def test_a_record_that_cannot_cross_workers_is_told(here: Here) -> None:
    err = report(
        here.run(
            """
            import threading
            def main(factory):
                env = factory.get_execution_environment()
                locks = env.from_elements(*range(9)).map(lambda v: (v, threading.Lock(), "x" * 9999)).name("locks")
                locks.rebalance().output()
                env.execute()
            """,
            "-p",
            2,
        )
    )
    assert "lock" in err
    assert len(err) < 2000
    assert "'locks'" in err
    assert "pickle" in err


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("os._exit(3)", ("exit", "3")),
        ("os.kill(os.getpid(), signal.SIGKILL)", ("SIGKILL",)),
        ("sys.exit(4)", ("SystemExit", "sys.exit", "'ends'")),
    ],
)
def test_a_worker_that_dies_fails_the_job_and_leaves_none(
    here: Here, end: str, words: tuple[str, ...], parallelism: int
) -> None:
    done = here.run(
        f"""
        import os, signal, sys, time
        from org.apache.flink.api.common.functions import RichMapFunction
        class Ends(RichMapFunction):
            def open(self, config):
                print(os.getpid(), file=open("pids", "a"))
            def map(self, value):
                if value == 50:
                    {end}
                return value
        def main(factory):
            env = factory.get_execution_environment()
            env.generate_sequence(1, 100).map(Ends()).name("ends").rebalance().filter(lambda v: False).output()
            env.execute()
        """,
        "-p",
        parallelism,
    )
    err = report(done)
    assert all(word in err for word in words), err
    pids = [int(line) for line in (here.directory / "pids").read_text().split()]
    assert len(pids) == parallelism
    assert wait_until(lambda: not any(map(alive, pids)))


@pytest.mark.parametrize("stop", ["breakpoint()", "import pdb; pdb.set_trace()"])
def test_a_debugger_in_a_worker_is_refused_with_what_to_do(here: Here, stop: str) -> None:
    script = f"""
def shown(value):
    {stop}
    return value

def main(factory):
    env = factory.get_execution_environment()
    env.from_elements(1).map(shown).output()
    env.execute()
"""
    done = here.run(script)
    assert done.code == 1
    assert "Workers have no terminal for a debugger: run with --local-debug" in done.err.splitlines()[0]


def test_a_debugger_elsewhere_is_called_in_workers(launcher: Launcher) -> None:
    script = """
def main(factory):
    env = factory.get_execution_environment()
    env.from_elements("abc").map(lambda value: breakpoint(value)).output()
    env.execute()
"""
    done = launcher.run(script, PYTHONBREAKPOINT="builtins.len")
    assert (done.code, done.lines, done.err) == (0, ["3"], "")


CIRCLE = """
    import sys
    def fail(value):
        try:
            raise KINDS[sys.argv[2]]("boom")
        except Exception as error:
            raise error from error
    def chain(value):
        error = None
        for number in range(1000):
            cause, error = error, ValueError(number)
            error.__cause__ = cause
        raise error
    KINDS = {"value": ValueError, "memory": MemoryError}
    def main(factory):
        function = chain if sys.argv[2] == "chain" else fail
        if sys.argv[1] == "main":
            function(0)
        env = factory.get_execution_environment()
        env.from_elements(0).filter(function).name("circle").output()
        env.execute()
"""


@pytest.mark.parametrize("options", [(), ("--local-debug",), ("--traceback", "full")])
@pytest.mark.parametrize("place", ["main", "function"])
@pytest.mark.parametrize(("kind", "what"), [("value", "ValueError: boom"), ("memory", "MemoryError: boom")])
def test_an_exception_that_is_its_own_cause_is_reported(
    here: Here, kind: str, what: str, place: str, options: tuple[str, ...]
) -> None:
    done = here.run(CIRCLE, *options, "-", place, kind)
    assert done.code == 1
    assert done.err.startswith(f"{what}\n")
    assert "line 6, in fail" in done.err
    assert "caused by" not in done.err
    if place == "function":
        assert "\n  in operator 'circle' (subtask 1 of 1" in done.err


def test_a_long_chain_of_causes_is_reported_in_part(here: Here) -> None:
    err = report(here.run(CIRCLE, "-", "function", "chain"))
    assert err.startswith("ValueError: 999\n  in operator 'circle'")
    assert "\ncaused by ValueError: 998\n" in err
    assert "\n... 989 more exceptions ...\ncaused by ValueError: 3\n" in err
    assert "\ncaused by ValueError: 0\n" in err
