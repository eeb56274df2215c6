"""Exceptions and records that do harm when they are looked at: their job fails all the same, and says where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from here import Here
    from launched import Launcher

SCRIPT = """
    import atexit, os, sys, time
    from org.apache.flink.api.common.accumulators import IntCounter
    from org.apache.flink.api.common.functions import RichMapFunction
    HOOK, DEED, PLACE = sys.argv[1:]
    def act(*args):
        if DEED == "exit":
            sys.exit(0)
        if DEED == "leave":
            os._exit(0)
        if DEED == "interrupt":
            raise KeyboardInterrupt
        if DEED == "hang":
            time.sleep(1000)
    def rebuild():
        act()
        return Plain()
    class Plain(Exception):
        pass
    class Wicked(Plain):
        if HOOK == "reduce":
            def __reduce__(self): act()
        if HOOK == "unpickle":
            def __reduce__(self): return rebuild, ()
        if HOOK == "str":
            def __str__(self): act()
        if HOOK == "getattr":
            def __getattr__(self, name): act()
        if HOOK == "attributes":
            args = __dict__ = __notes__ = __class__ = __cause__ = property(act)
        if HOOK == "del":
            def __del__(self): act()
    class Record:
        if HOOK == "repr":
            def __repr__(self): act()
    def fail(record):
        raise Wicked("own words")
    def main(factory):
        if HOOK == "atexit":
            atexit.register(act)
        if PLACE == "main":
            fail(0)
        env = factory.get_execution_environment()
        env.from_elements(0).map(lambda value: Record()).filter(fail).name("failing").output()
        env.execute()
"""

ANYWHERE = [
    ("str", "exit", "Wicked: "),
    ("attributes", "interrupt", "Wicked"),
    ("del", "leave", "Wicked: own words"),
    ("atexit", "leave", "Wicked: own words"),
]
IN_FUNCTIONS = [
    ("reduce", "exit", "Wicked: own words"),
    ("reduce", "leave", "Wicked: own words"),
    ("unpickle", "exit", "Wicked: own words"),
    ("unpickle", "leave", "Wicked: own words"),
    ("unpickle", "hang", "Wicked: own words"),
    ("getattr", "exit", "Wicked"),
    ("repr", "interrupt", "Wicked: own words"),
    ("repr", "hang", "Wicked: own words"),
    ("str", "hang", "Wicked, whose message did not come in time"),
]


@pytest.mark.parametrize(
    ("hook", "deed", "what", "place"),
    [
        *((*case, "function") for case in (*ANYWHERE, *IN_FUNCTIONS)),
        *((*case, "main") for case in ANYWHERE),
    ],
)
def test_an_exception_cannot_turn_a_failure_into_success(
    launcher: Launcher, hook: str, deed: str, what: str, place: str
) -> None:
    # A worker that hangs is killed; on a slow machine before it can be told that it is not needed.
    options = ("-D", "task.cancellation.timeout=3 s") if deed == "hang" else ()
    done = launcher.run(SCRIPT, *options, "-", hook, deed, place)
    assert done.code == 1
    first, *others = done.err.splitlines()
    assert what in first or (deed == "hang" and first.startswith("While stopping the job: ") and what in str(others))
    assert "line 36, in fail" in done.err
    if place == "function":
        assert "\n  in operator 'failing' (subtask 1 of 1, made at " in done.err
        assert "\n  with the record <" in done.err


def test_an_exception_cannot_pass_for_ctrl_c_where_there_are_no_workers(launcher: Launcher) -> None:
    done = launcher.run(SCRIPT, "--local-debug", "-", "attributes", "interrupt", "function")
    assert done.code == 1
    assert "Wicked" in done.err.splitlines()[0]
    assert "line 36, in fail" in done.err


def test_a_worker_that_an_exception_ends_fails_the_job(here: Here) -> None:
    done = here.run(SCRIPT, "-", "str", "leave", "function")
    assert done.code == 1
    assert done.err.startswith("Worker 1 of 1 ended unexpectedly, with exit status 0.\n")


def test_the_script_gets_the_exception_with_its_class_and_attributes(here: Here) -> None:
    lines = here.lines(
        """
        from org.apache.flink.runtime.client import JobExecutionException
        class Rejected(Exception):
            def __init__(self, code, record):
                super().__init__(f"rejected with {code}")
                self.code, self.record = code, record
        def reject(value):
            raise Rejected(7, {"value": value})
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements("x").filter(reject).output()
            try:
                env.execute()
            except JobExecutionException as error:
                cause = error.__cause__
                print(type(cause) is Rejected, cause, cause.code, cause.record)
                print("line 7, in reject" in str(cause.__cause__))
        """
    )
    assert lines == ["True rejected with 7 7 {'value': 'x'}", "True"]


@pytest.mark.parametrize("deed", ["sys.exit(0)", "sys.exit(3)", "raise ValueError('unfit')"])
@pytest.mark.parametrize("method", ["__setstate__", "merge", "get_local_value"])
def test_an_accumulator_that_cannot_be_had_fails_the_job(here: Here, method: str, deed: str) -> None:
    done = here.run(
        f"""
        import os, sys
        from org.apache.flink.api.common.accumulators import IntCounter
        from org.apache.flink.api.common.functions import RichMapFunction
        class Counter(IntCounter):
            def {method}(self, *args):
                {deed}
        class Counting(RichMapFunction):
            def open(self, config):
                self.get_runtime_context().add_accumulator("n", Counter(1))
            def map(self, value):
                return value
        def main(factory):
            env = factory.get_execution_environment()
            env.generate_sequence(1, 2).map(Counting()).output()
            env.execute()
        """,
        "-p",
        2,
    )
    assert done.code == 1
    assert done.err.splitlines()[0] in ("SystemExit: 0", "SystemExit: 3", "ValueError: unfit")
    assert "\n  while the accumulators of the workers were merged\n" in done.err
    assert f"line 6, in {method}" in done.err


def test_an_accumulator_that_cannot_be_sent_is_named(here: Here) -> None:
    done = here.run(
        """
        import threading
        from org.apache.flink.api.common.accumulators import IntCounter
        from org.apache.flink.api.common.functions import RichMapFunction
        class Counting(RichMapFunction):
            def open(self, config):
                counter = IntCounter()
                counter.lock = threading.Lock()
                self.get_runtime_context().add_accumulator("locked", counter)
            def map(self, value):
                return value
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1).map(Counting()).output()
            env.execute()
        """
    )
    assert done.code == 1
    assert "the accumulator 'locked' cannot be sent to the script, as it cannot be pickled" in done.err


def test_what_a_worker_logs_is_not_unpickled_by_the_script(launcher: Launcher) -> None:
    done = launcher.run(
        """
        import logging, os
        class Extra:
            def __repr__(self): return "<an extra>"
            def __reduce__(self): return os._exit, (0,)
        def log(value):
            logging.getLogger("mine").warning("said %s", value, extra={"what": Extra(), "number": 5})
            return value
        def main(factory):
            logging.basicConfig(format="%(message)s %(what)s %(number)d")
            env = factory.get_execution_environment()
            env.from_elements(1).map(log).output()
            env.execute()
            print("after the job")
        """
    )
    assert (done.code, done.lines) == (0, ["1", "after the job"])
    assert done.err == "said 1 <an extra> 5\n"


def test_an_element_that_exits_when_it_is_pickled_fails_the_job(here: Here) -> None:
    done = here.run(
        """
        import sys
        class Element:
            def __reduce__(self): sys.exit(0)
        def main(factory):
            env = factory.get_execution_environment()
            env.from_collection(Element() for _ in range(3)).map(lambda value: 1).output()
            env.execute()
        """
    )
    assert done.code == 1
    assert "SystemExit: 0" in done.err
    assert "in a collection that the script gave to the job" in done.err
