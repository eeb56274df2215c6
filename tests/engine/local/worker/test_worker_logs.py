"""What user functions log and print to standard error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from launched import Launcher

# Logs in every kind of place; what comes before main is in {setup}, what main begins with in {main}.
PLACES = """
    import logging
    from org.apache.flink.api.common.functions import RichMapFunction
    from org.apache.flink.streaming.api.functions.source import SourceFunction
    log = logging.getLogger("shop")
    {setup}
    class Orders(SourceFunction):
        def run(self, ctx):
            log.info("run")
            ctx.collect(7)
        def cancel(self):
            pass
    class Priced(RichMapFunction):
        def open(self, config):
            log.info("open")
        def close(self):
            log.info("close")
        def map(self, value):
            log.warning("map %d", value)
            log.debug("details")
            return value
    def window(key, window, values, collector):
        log.info("window")
    def main(factory):
        {main}
        env = factory.get_execution_environment()
        orders = env.create_python_source(Orders()).map(Priced()).name("priced")
        orders.key_by(len_of).count_window(1).apply(window).name("windows")
        env.execute()
    def len_of(value):
        return 0
"""


def places(setup: str = "", main: str = "") -> str:
    return PLACES.format(setup=setup, main=main)


def test_a_warning_names_its_subtask_though_nothing_is_configured(launcher: Launcher) -> None:
    done = launcher.run(places())
    assert (done.code, done.err) == (0, "WARNING shop [priced (1/1)]: map 7\n")


@pytest.mark.parametrize("place", ["setup", "main"])
def test_the_scripts_own_configuration_holds_for_its_functions(launcher: Launcher, place: str) -> None:
    own = 'logging.basicConfig(level=logging.INFO, format="%(levelname)s|%(threadName)s|%(message)s")'
    done = launcher.run(places(**{place: own}), "-p", 2)
    lines = [re.sub(r"\d/2", "n/2", line) for line in done.err.splitlines()]
    assert sorted(
        line for line in lines if "stream_engine" not in line and "Job" not in line and "Task" not in line
    ) == [
        "INFO|Source: Orders (1/1)|run",
        "INFO|priced (n/2)|close",
        "INFO|priced (n/2)|close",
        "INFO|priced (n/2)|open",
        "INFO|priced (n/2)|open",
        "INFO|windows (n/2)|window",
        "WARNING|priced (n/2)|map 7",
    ]


def test_a_configuration_made_by_a_worker_holds_there(launcher: Launcher) -> None:
    script = places().replace('log.info("open")', 'logging.basicConfig(level=logging.INFO, format="%(message)s")')
    assert launcher.run(script).err.splitlines() == ["run", "map 7", "window", "close"]
    forced = places().replace('"map %d", value', '"map %d", value); logging.basicConfig(force=True, level=10')
    assert launcher.run(forced).err.splitlines()[:2] == ["WARNING shop [priced (1/1)]: map 7", "DEBUG:shop:details"]


def test_a_logger_with_a_handler_of_its_own_says_things_once(launcher: Launcher) -> None:
    setup = 'log.addHandler(logging.FileHandler("shop.log")); log.setLevel(logging.INFO)'
    done = launcher.run(places(setup))
    assert (done.code, done.err) == (0, "")
    assert (launcher.directory / "shop.log").read_text().splitlines() == ["open", "run", "map 7", "window", "close"]


def test_what_a_worker_has_handled_goes_to_the_log_file_too(launcher: Launcher) -> None:
    setup = "log.addHandler(logging.StreamHandler()); log.setLevel(logging.INFO)"
    done = launcher.run(places(setup), "--log-file", "job.log")
    assert done.code == 0
    shop = [
        line.split(" shop ")[1]
        for line in (launcher.directory / "job.log").read_text().splitlines()
        if " shop " in line
    ]
    assert shop == [
        "[priced (1/1)]: open",
        "[Source: Orders (1/1)]: run",
        "[priced (1/1)]: map 7",
        "[windows (1/1)]: window",
        "[priced (1/1)]: close",
    ]
    assert [line for line in done.err.splitlines() if " " not in line] == ["open", "run", "window", "close"]


def test_an_exception_is_logged_with_its_traceback(launcher: Launcher) -> None:
    done = launcher.run(
        """
        import logging
        def parsed(text):
            try:
                return int(text)
            except ValueError:
                logging.exception("skipped", extra={"lock": __import__("threading").Lock()})
                return 0
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements("1", "x").map(parsed).output()
            env.execute()
        """
    )
    assert (done.code, done.lines) == (0, ["1", "0"])
    first, second, *_, last = done.err.splitlines()
    assert first == "ERROR root [Map: parsed (1/1)]: skipped"
    assert second == "Traceback (most recent call last):"
    assert last == "ValueError: invalid literal for int() with base 10: 'x'"


def test_lines_on_standard_error_arrive_whole(launcher: Launcher) -> None:
    done = launcher.run(
        """
        import logging, sys
        def told(number):
            text = f"{number:06}|" * 10_000
            print(text, file=sys.stderr)
            logging.warning("%s\\n%s", text, text)
            sys.stderr.write("first ")
            sys.stderr.write("second\\n")
            return number
        def main(factory):
            env = factory.get_execution_environment()
            env.generate_sequence(1, 40).map(told).filter(lambda number: False)
            env.execute()
        """,
        "-p",
        2,
    )
    assert (done.code, done.lines) == (0, [])
    numbers = [f"{number:06}|" * 10_000 for number in range(1, 41)]
    whole = [line.rpartition(": ")[2] for line in done.err.splitlines()]
    assert sorted(whole) == sorted([*numbers * 3, *["first second"] * 40])


def test_the_end_of_a_line_that_is_not_whole_arrives(launcher: Launcher) -> None:
    done = launcher.run(
        """
        import sys
        from org.apache.flink.api.common.functions import RichMapFunction
        class Dots(RichMapFunction):
            def open(self, config):
                pass
            def map(self, value):
                print(".", end="", file=sys.stderr)
                return value
            def close(self):
                print("closed", end="", file=sys.stderr)
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1, 2, 3).map(Dots())
            env.execute()
        """
    )
    assert (done.code, done.err) == (0, "...closed")


def test_a_program_that_a_function_starts_can_be_given_the_streams(launcher: Launcher) -> None:
    done = launcher.run(
        """
        import subprocess, sys
        def echoed(value):
            subprocess.run(["sh", "-c", "echo out; echo err >&2"], stdout=sys.stdout, stderr=sys.stderr, check=True)
            return value
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1).map(echoed)
            env.execute()
        """
    )
    assert (done.code, done.lines, done.err) == (0, ["out"], "err\n")


def test_a_job_that_logs_nothing_does_not_load_logging(launcher: Launcher) -> None:
    lines = launcher.lines(
        """
        import sys
        def loaded(value):
            return "logging" in sys.modules
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1).map(loaded).output()
            env.execute()
        """
    )
    assert lines == ["False"]
