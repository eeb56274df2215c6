"""Which names a program's files are imported under, and what they cannot shadow; here and in a worker."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE

from pyflink_stream.program import Program

if TYPE_CHECKING:
    from launched import Command


def test_the_script_is_imported_under_its_stem(command: Command) -> None:
    command.write("jobs/word-count.py", "print(__name__)\ndef main(factory):\n    print(main.__module__)\n")
    assert command.output("jobs/word-count.py") == "word-count\nword-count\n"


@pytest.mark.parametrize(
    "main",
    [
        "def main(env_factory): print(env_factory is not None)",
        "def main(): print(True)",
        "def main(*everything): print(len(everything) == 1)",
        "class main:\n    def __init__(self, factory): print(True)",
        "main = lambda factory: print(True)",
    ],
)
def test_main_may_look_as_it_likes(command: Command, main: str) -> None:
    command.write("s.py", main)
    assert command.output("s.py") == "True\n"


def test_each_kind_of_package_is_importable(command: Command) -> None:
    command.write("package/__init__.py", "NAME = __name__\n")
    command.write("package/part.py", "NAME = __name__\n")
    command.write("plain/part.py", "NAME = __name__\n")
    command.write("helper.py", "NAME = __name__\n")
    for archive, module in (("lib.zip", "zipped"), ("lib-1.0-py3-none-any.whl", "wheeled"), ("lib.egg", "egged")):
        with zipfile.ZipFile(command.directory / archive, "w") as file:
            file.writestr(f"{module}/__init__.py", "from .part import NAME\n")
            file.writestr(f"{module}/part.py", "NAME = __name__\n")
    command.write(
        "jobs/s.py",
        """
        import package, package.part, plain.part, helper, zipped, wheeled, egged
        def main(factory):
            print([m.NAME for m in (package, package.part, plain.part, helper, zipped, wheeled, egged)])
        """,
    )
    out = command.output(
        "jobs/s.py", "package/", "plain", "helper.py", "lib.zip", "lib-1.0-py3-none-any.whl", "lib.egg"
    )
    expected = ["package", "package.part", "plain.part", "helper", "zipped.part", "wheeled.part", "egged.part"]
    assert ast.literal_eval(out) == expected


def test_a_package_is_looked_for_beside_the_script_too(command: Command) -> None:
    command.write("jobs/lib/helper.py", "HERE = __file__\n")
    command.write("jobs/s.py", "def main(factory):\n    import helper\n    print(helper.HERE)\n")
    assert command.output("jobs/s.py", "lib/helper.py") == f"{command.directory}/jobs/lib/helper.py\n"


def test_data_files_are_found_beside_any_module(command: Command) -> None:
    command.write("data/stopwords.txt", "a an the")
    command.write("tables/countries.csv", "ch,de")
    command.write("helper.py", "import pkgutil\nTEXT = pkgutil.get_data(__name__, 'stopwords.txt')\n")
    command.write(
        "jobs/s.py",
        """
        import pkgutil, helper
        def main(factory):
            print([helper.TEXT, pkgutil.get_data(__name__, "stopwords.txt"),
                   pkgutil.get_data(__name__, "tables/countries.csv")])
        """,
    )
    out = command.output("jobs/s.py", "helper.py", "data/stopwords.txt", "tables")
    assert ast.literal_eval(out) == [b"a an the", b"a an the", b"ch,de"]


def test_siblings_of_a_package_stay_invisible(command: Command) -> None:
    command.write("lib/helper.py", "")
    command.write("lib/random.py", "raise AssertionError('shadowed')\n")
    command.write("lib/sibling.py", "raise AssertionError('visible')\n")
    command.write(
        "jobs/s.py",
        """
        import helper, random
        random.random()
        def main(factory):
            try:
                import sibling
            except ImportError as error:
                print(error)
        """,
    )
    assert command.output("jobs/s.py", "lib/helper.py") == "No module named 'sibling'\n"


def test_the_scripts_own_directory_comes_last(command: Command) -> None:
    command.write("jobs/random.py", "raise AssertionError('shadowed')\n")
    command.write("jobs/yaml.py", "raise AssertionError('shadowed')\n")
    command.write("jobs/sibling.py", "NAME = 'sibling'\n")
    command.write(
        "jobs/s.py",
        """
        import sys, random, yaml, sibling
        def main(factory):
            print(random.Random.__name__, yaml.YAMLError.__name__, sibling.NAME, sys.path[-1])
        """,
    )
    assert command.output("jobs/s.py") == f"Random YAMLError sibling {command.directory}/jobs\n"


def test_the_working_directory_is_not_importable(command: Command) -> None:
    command.write("stray.py", "")
    command.write("jobs/s.py", "import sys\ndef main(factory):\n    print(sys.path)\n")
    path = ast.literal_eval(command.output("jobs/s.py"))
    assert not {"", ".", str(command.directory)} & set(path)
    assert not [entry for entry in path if entry.endswith("pyflink_stream")]


@pytest.mark.parametrize("name", ["engine", "conf", "app", "random", "yaml"])
def test_a_given_package_owns_its_name(command: Command, name: str) -> None:
    command.write(f"{name}/__init__.py", "OWNER = 'user'\n")
    command.write(f"{name}/part.py", f"from {name} import OWNER\n")
    command.write(
        "jobs/s.py",
        f"""
        import {name}
        from {name}.part import OWNER
        def main(factory):
            print({name}.OWNER, OWNER)
        """,
    )
    assert command.output("jobs/s.py", name) == "user user\n"


@pytest.mark.parametrize("stem", ["statistics", "test", "types", "select", "os", "json", "yaml", "org"])
def test_a_script_may_bear_a_librarys_name(command: Command, stem: str) -> None:
    # The libraries, which use each other by these names, keep working beside the script.
    command.write(
        f"jobs/{stem}.py",
        f"""
        import pickle, sys
        class Record: pass
        def main(factory):
            import asyncio, cloudpickle, json, logging.handlers, selectors, socket, statistics, tempfile
            assert sys.modules[{stem!r}].main is main and __name__ == {stem!r}
            assert type(pickle.loads(pickle.dumps(Record()))) is Record
            assert type(cloudpickle.loads(cloudpickle.dumps(Record()))) is Record
            selectors.DefaultSelector().close()
            socket.socket().close()
            tempfile.TemporaryFile().close()
            print(json.dumps(statistics.mean([1, 3])))
        """,
    )
    assert command.output(f"jobs/{stem}.py") == "2\n"


def test_a_module_in_an_archive_does_not_shadow_the_standard_library(command: Command) -> None:
    with zipfile.ZipFile(command.directory / "lib.zip", "w") as file:
        file.writestr("random.py", "raise AssertionError('shadowed')\n")
        file.writestr("yaml.py", "OWNER = 'user'\n")
    command.write("s.py", "import random, yaml\ndef main(factory):\n    print(random.Random.__name__, yaml.OWNER)\n")
    assert command.output("s.py", "lib.zip") == "Random user\n"


def test_a_namespace_directory_joins_the_installed_parts(command: Command) -> None:
    command.write("org/apache/mine.py", "NAME = __name__\n")
    command.write(
        "jobs/s.py",
        """
        def main(factory):
            import org
            from org.apache.mine import NAME
            print(NAME, len(list(org.__path__)) > 1)
        """,
    )
    assert command.output("jobs/s.py", "org") == "org.apache.mine True\n"


def test_two_packages_of_one_name_are_refused(command: Command) -> None:
    command.write("s.py", "")
    command.write("a/utils.py", "")
    command.write("b/utils.py", "")
    done = command.run("s.py", "a/utils.py", "b/utils.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {command.directory}/b/utils.py: the name 'utils' is taken already, by ")


def test_a_damaged_archive_is_refused(command: Command) -> None:
    command.write("s.py", "")
    command.write("lib.zip", "not a zip")
    done = command.run("s.py", "lib.zip")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: {command.directory}/lib.zip: not a zip archive, though its name says so\n"


def test_a_script_that_changed_is_never_loaded_from_a_compiled_file(command: Command) -> None:
    import os

    script = command.write("s.py", "def main(factory):\n    print(1)\n")
    times = (script.stat().st_atime, script.stat().st_mtime)
    assert command.output("s.py") == "1\n"
    command.write("s.py", "def main(factory):\n    print(2)\n")
    os.utime(script, times)
    assert command.output("s.py") == "2\n"
    assert not (command.directory / "__pycache__").exists()


def test_a_worker_imports_the_same_program(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(command.directory)
    command.write("jobs/statistics.py", "import helper\nOWNER = 'script'\nNAME = __name__\n")
    command.write("helper.py", "")
    command.write("random.py", "raise AssertionError('shadowed')\n")
    program = Program("jobs/statistics.py", ["helper.py"], ["-x"])
    worker = """if True:
        import pickle, sys
        pickle.load(sys.stdin.buffer).install()
        import random, statistics, selectors
        print([statistics.OWNER, statistics.NAME, sys.argv, sys.path[-1], "" in sys.path])
    """
    done = subprocess.run(
        [sys.executable, "-c", worker],
        input=pickle.dumps(program),
        env=command.environment,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert done.stderr == b""
    jobs = str(command.directory / "jobs")
    argv = ["jobs/statistics.py", "-x"]
    assert ast.literal_eval(done.stdout.decode()) == ["script", "statistics", argv, jobs, "" in sys.path]


def test_a_worker_does_not_load_the_launchers_libraries(command: Command) -> None:
    loaded = "import pyflink_stream.program, sys; print({'click', 'rich', 'yaml', 'cloudpickle'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", loaded], env=command.environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_package_with_a_standard_modules_name_can_be_used_in_a_lambda(command: Command, parallelism: int) -> None:
    command.write("statistics/__init__.py", "def mean(values):\n    return 'mine'\n")
    command.write("statistics/sub.py", "def mean(values):\n    return 'below'\n")
    command.write("json.py", "def dumps(value):\n    return 'dumped'\n")
    command.write(
        "s.py",
        """
        import json, statistics, statistics.sub
        def main(factory):
            class Local:
                def text(self):
                    return statistics.mean([])
            env = factory.get_execution_environment()
            texts = env.from_elements(1).map(lambda v: (statistics.mean([v]), statistics.sub.mean([v]), json.dumps(v)))
            texts.map(lambda texts: (Local(), texts)).rebalance().map(lambda pair: (pair[0].text(), *pair[1])).output()
            env.execute()
        """,
    )
    out = command.output("-p", str(parallelism), "s.py", "statistics", "json.py")
    assert out.rpartition("> ")[2] == "('mine', 'mine', 'below', 'dumped')\n"
