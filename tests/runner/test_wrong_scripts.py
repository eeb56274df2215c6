"""Mistakes that people make: each is told in a few lines, of which the first says what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ports import silent_port

if TYPE_CHECKING:
    from here import CommandHere

pytestmark = pytest.mark.usefixtures("patient")

_MOST_LINES = 15


def report(quick: CommandHere, script: str, *args: str, out: str = "") -> list[str]:
    """The standard error of a script that is wrong."""
    quick.write("s.py", script)
    done = quick.run(*args, "s.py")
    assert (done.returncode, done.stdout) == (1, out)
    lines = done.stderr.splitlines()
    assert len(lines) <= _MOST_LINES
    assert "stream_engine" not in done.stderr
    assert "pyflink_stream/" not in done.stderr
    return lines


def test_a_method_that_is_misspelt(quick: CommandHere) -> None:
    first, *_ = report(
        quick,
        """
        from org.apache.flink.api.common.functions import FilterFunction
        class Long(FilterFunction):
            def filterDestination(self, value):
                return len(value) > 3
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements("a", "stream").filter(Long()).output()
            env.execute()
        """,
    )
    assert first.endswith(
        "s.py:7: Long has no method filter(value), which a FilterFunction needs. "
        "It has filterDestination(): should that be called filter?"
    )


def test_two_arguments_for_map(quick: CommandHere) -> None:
    first, *_ = report(
        quick,
        """
        from org.apache.flink.api.common.functions import MapFunction
        class Tokenizer(MapFunction):
            def map(self, value, collector):
                collector.collect(value)
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements("a", "stream").map(Tokenizer()).output()
            env.execute()
        """,
    )
    assert first.endswith(
        "s.py:7: Tokenizer.map(value, collector) has the wrong parameters: it is called with (value). "
        "If the second is a collector, pass it to flat_map()."
    )


FORGETFUL_MAP = """
    from org.apache.flink.api.common.functions import MapFunction, ReduceFunction
    class Pair(MapFunction):
        def map(self, value):
            (1, value)
    class Sum(ReduceFunction):
        def reduce(self, left, right):
            return left[0] + right[0], left[1]
    def main(factory):
        env = factory.get_execution_environment()
        pairs = env.from_elements("a", "stream", "a").map(Pair())
        pairs.key_by(lambda pair: pair[1]).reduce(Sum()).output()
        env.execute()
"""


@pytest.mark.parametrize("parallelism", ["1", "2"])
def test_a_map_without_a_return(quick: CommandHere, parallelism: str) -> None:
    first, _, error, *_ = report(quick, FORGETFUL_MAP, "-p", parallelism)
    script = quick.directory / "s.py"
    text = "Pair.map(value) has no return, so every record after it is None: give it one"
    assert first == f"{script}:10: UserWarning: {text}"
    assert error == (
        "TypeError: 'NoneType' object is not subscriptable. "
        f"The record is None: give Pair.map(), used at {script}:10, a return"
    )


RETURNING = """
    from org.apache.flink.api.common.functions import FlatMapFunction
    from org.apache.flink.streaming.api.functions.source import SourceFunction
    from org.apache.flink.streaming.api.functions.windowing import WindowFunction
    class Numbers(SourceFunction):
        def run(self, ctx):
            return [1]
        def cancel(self):
            pass
    class Words(FlatMapFunction):
        def flatMap(self, line, collector):
            return line.split()
    class Total(WindowFunction):
        def apply(self, key, window, values, collector):
            return key, len(values)
    def main(factory):
        env = factory.get_execution_environment()
        env.add_source(Numbers()).output()
        words = env.from_elements("a stream").flat_map(Words())
        words.key_by(lambda word: word).count_window(1).apply(Total()).output()
        env.execute()
"""


def test_results_that_are_returned_in_place_of_collected(quick: CommandHere) -> None:
    script = quick.write("s.py", RETURNING)
    done = quick.run("s.py")
    assert (done.returncode, done.stdout) == (0, "")
    lost = "returns its result, which nobody gets: use"
    assert [line for line in done.stderr.splitlines() if "Warning" in line] == [
        f"{script}:17: UserWarning: Numbers.run(ctx) {lost} ctx.collect(record)",
        f"{script}:18: UserWarning: Words.flatMap(value, collector) {lost} collector.collect(result)",
        f"{script}:19: UserWarning: Total.apply(key, window, values, collector) {lost} collector.collect(result)",
    ]


def test_a_key_selector_without_a_return(quick: CommandHere) -> None:
    first, *_ = report(
        quick,
        """
        from org.apache.flink.api.java.functions import KeySelector
        class Selector(KeySelector):
            def getKey(self, value):
                value[1]
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements((1, "a")).key_by(Selector()).reduce(lambda left, right: left).output()
            env.execute()
        """,
    )
    assert first.endswith("s.py:7: Selector.getKey(value) has no return, so its result is always None: give it one.")


def test_a_reduce_that_sometimes_returns_nothing(quick: CommandHere) -> None:
    first, *_ = report(
        quick,
        """
        def add(left, right):
            if right[0] < 2:
                return left[0] + right[0], left[1]
        def main(factory):
            env = factory.get_execution_environment()
            pairs = env.from_elements((1, "a"), (1, "a"), (2, "a"), (1, "a"))
            pairs.key_by(lambda pair: pair[1]).reduce(add).output()
            env.execute()
        """,
        out="(1, 'a')\n(2, 'a')\nNone\n",
    )
    assert first == (
        "TypeError: 'NoneType' object is not subscriptable. "
        "add returned None for the records before; is there a way through it without a return?"
    )


def test_a_lambda_with_a_lock(quick: CommandHere) -> None:
    first, *_ = report(
        quick,
        """
        import threading
        def main(factory):
            lock = threading.Lock()
            env = factory.get_execution_environment()
            env.from_elements("a", "stream").map(lambda value: (lock.acquire(), value)).output()
            env.execute()
        """,
    )
    assert "s.py:5: <lambda> uses lock, of type _thread.lock, which cannot be sent to the workers" in first
    assert first.endswith("is made in open() of a rich function, or in run() of a source.")


def test_execute_forgotten(quick: CommandHere) -> None:
    script = quick.write(
        "s.py",
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements("a", "stream").map(lambda value: value.upper()).output()
        """,
    )
    done = quick.run("s.py")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        f"Warning: main() ended with a plan, begun at {script}:3, that was not run: call execute() on its environment\n"
    )


def test_a_port_where_no_server_listens(quick: CommandHere) -> None:
    with silent_port() as port:
        first, *_ = report(
            quick,
            f"""
            from org.apache.flink.streaming.util.serialization import SimpleStringSchema
            def main(factory):
                env = factory.get_execution_environment()
                env.from_elements("a").write_to_socket("127.0.0.1", {port}, SimpleStringSchema())
                env.execute()
            """,
        )
    assert first == (
        f"ConnectionError: cannot connect to 127.0.0.1:{port}: Connection refused; "
        "start the server before the job, or correct the port"
    )


def test_a_list_as_a_key(quick: CommandHere) -> None:
    first, *_ = report(
        quick,
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements((1, "a")).key_by(lambda pair: [pair[1]]).reduce(lambda left, right: left).output()
            env.execute()
        """,
    )
    assert first == (
        "TypeError: unhashable type: 'list'. This is a key: keys are compared by value and must not change, "
        "so return a tuple or a str"
    )


def test_an_output_that_exists(quick: CommandHere) -> None:
    there = quick.write("results", "of yesterday")
    first, second, *_ = report(
        quick,
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements("a").write_as_text("results")
            env.execute()
        """,
    )
    assert first == (
        f"the output {there} exists already: delete it, write to another path, "
        "or say write_as_text(path, mode=WriteMode.OVERWRITE)"
    )
    assert second == f"  in operator 'Sink: {there}', made at {quick.directory / 's.py'}:3"
    assert there.read_text() == "of yesterday"


def test_print_of_python_2(quick: CommandHere) -> None:
    first, *_ = report(
        quick,
        """
        def main(factory):
            print "counting"
            env = factory.get_execution_environment()
        """,
    )
    assert first.startswith("This is Python 2, in line 2 of ")
    assert first.endswith('s.py: print is a function in Python 3. Python 3: print("counting")')


def test_a_method_of_the_environment_that_is_misspelt(quick: CommandHere) -> None:
    first, *_ = report(
        quick,
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.read_text_fil("words").output()
            env.execute()
        """,
    )
    assert first == (
        "AttributeError: 'PythonStreamExecutionEnvironment' object has no attribute 'read_text_fil': "
        "did you mean read_text_file?"
    )


@pytest.mark.parametrize("worker", [False, True])
def test_a_module_that_is_not_installed(quick: CommandHere, worker: bool) -> None:
    call = "env.from_elements(1).map(use).output(); env.execute()" if worker else "use(1)"
    first, *_ = report(
        quick,
        f"""
        def use(value):
            import a_module_that_nobody_has
            return value
        def main(factory):
            env = factory.get_execution_environment()
            {call}
        """,
    )
    assert first.startswith("ModuleNotFoundError: No module named 'a_module_that_nobody_has'. Install it with ")
    assert first.endswith(" -m pip install a_module_that_nobody_has, or name it behind the script, as a PACKAGE")


def test_a_module_of_python_2(quick: CommandHere) -> None:
    first, *_ = report(quick, "import urllib2\ndef main(factory):\n    pass\n")
    assert first == (
        "ModuleNotFoundError: No module named 'urllib2'. "
        "This is Python 2. Python 3: urllib.request (errors are in urllib.error)"
    )


def test_a_script_that_is_not_utf_8(quick: CommandHere) -> None:
    (quick.directory / "latin.py").write_bytes(b"# first\ndef main(factory):\n    print('caf\xe9')\n")
    done = quick.run("latin.py")
    script = quick.directory / "latin.py"
    assert (done.returncode, done.stdout) == (1, "")
    first = done.stderr.splitlines()[0]
    assert first.startswith(f"{script}:3: Python 3 cannot decode this file: ")
    assert first.endswith("; save it as UTF-8, or name its encoding in line 1: # -*- coding: latin-1 -*-")


UNOPENED = """
    from org.apache.flink.api.common.functions import RichMapFunction
    from org.apache.flink.streaming.api.functions.source import RichSourceFunction
    class Numbers(RichSourceFunction):
        def open(self, config):
            self.source_file = open(SOURCE)
        def run(self, ctx):
            ctx.collect(1)
        def cancel(self):
            pass
        def close(self):
            self.source_file.close()
    class Lookup(RichMapFunction):
        def open(self, config):
            self.table = open(TABLE)
        def map(self, value):
            return value
        def close(self):
            self.table.close()
    def main(factory):
        env = factory.get_execution_environment()
        env.add_source(Numbers()).map(Lookup()).map(Lookup()).output()
        env.execute()
"""


@pytest.mark.parametrize("options", [(), ("--local-debug",)])
@pytest.mark.parametrize(("source", "table"), [("/dev/null", "missing"), ("missing", "/dev/null")])
def test_closing_what_could_not_be_opened_is_no_error_of_its_own(
    quick: CommandHere, source: str, table: str, options: tuple[str, ...]
) -> None:
    script = UNOPENED.replace("SOURCE", repr(source)).replace("TABLE", repr(table))
    lines = report(quick, script, *options)
    assert lines[0] == "FileNotFoundError: [Errno 2] No such file or directory: 'missing'"
    assert "AttributeError" not in "".join(lines)


@pytest.mark.parametrize("options", [(), ("--local-debug",)])
def test_an_error_while_closing_is_told_without_the_error_that_stopped_the_job(
    quick: CommandHere, options: tuple[str, ...]
) -> None:
    lines = report(
        quick,
        """
        from org.apache.flink.api.common.functions import RichMapFunction
        class Reciprocal(RichMapFunction):
            def map(self, value):
                return 1 / value
            def close(self):
                raise OSError("cannot be closed")
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(0).map(Reciprocal()).output()
            env.execute()
        """,
        *options,
    )
    assert [line for line in lines if "Error: " in line] == [
        "While stopping the job: OSError: cannot be closed",
        "ZeroDivisionError: division by zero",
    ]


@pytest.mark.parametrize("place", ["main", "a function"])
@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("'a'.decode('utf-8')", "AttributeError: 'str' object has no attribute 'decode'. {}a str is text already"),
        ("{}.has_key(1)", "AttributeError: 'dict' object has no attribute 'has_key'. {}key in d"),
        ("{}.iteritems()", "AttributeError: 'dict' object has no attribute 'iteritems'. {}items()"),
        ("iter([1]).next()", "AttributeError: 'list_iterator' object has no attribute 'next'. {}next(iterator)"),
        ("string.letters", "AttributeError: module 'string' has no attribute 'letters'. {}string.ascii_letters"),
        ("len(unicode('a'))", "NameError: name 'unicode' is not defined. {}str"),
    ],
)
def test_a_name_of_python_2_leads_to_that_of_python_3(
    quick: CommandHere, expression: str, message: str, place: str
) -> None:
    first, *_ = report(
        quick,
        f"""
        import string
        def use(value=0):
            return {expression}
        def main(factory):
            if {place == "main"}:
                use()
            env = factory.get_execution_environment()
            env.from_elements(1).map(use).output()
            env.execute()
        """,
    )
    assert first.startswith(message.format("Python 2 had it. Python 3: "))


def test_an_attribute_of_an_object_of_the_script_is_not_one_of_python_2(quick: CommandHere) -> None:
    first, *_ = report(
        quick,
        """
        class Row:
            items = 1
        def main(factory):
            Row().iteritems()
        """,
    )
    assert "Python 2" not in first
