"""Where the configuration comes from and how it is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from pyflink_stream.configuration import Setting, find, load
from stream_engine.configuration import OPTIONS, ConfigurationError

if TYPE_CHECKING:
    from here import CommandHere
    from launched import Command

PARALLELISM = """
    def main(factory):
        print(factory.get_execution_environment().get_parallelism())
"""
SHIPPED = Path(__file__).resolve().parents[2] / "conf" / "flink-conf.yaml"


@pytest.fixture
def script(quick: CommandHere) -> CommandHere:
    quick.write("s.py", PARALLELISM)
    return quick


def test_without_any_file_the_default_is_one(script: CommandHere) -> None:
    assert script.output("s.py") == "1\n"


@pytest.mark.parametrize("text", ["parallelism.default: 3", "parallelism:\n  default: 3", "parallelism: {default: 3}"])
def test_flat_and_nested_keys_mean_the_same(script: CommandHere, text: str) -> None:
    script.write("conf/flink-conf.yaml", text)
    assert script.output("s.py") == "3\n"


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "parallelism.default:\n", "\ufeffparallelism.default: 1"])
def test_an_empty_file_or_value_leaves_the_defaults(script: CommandHere, text: str) -> None:
    script.write("conf/flink-conf.yaml", text)
    assert script.output("s.py") == "1\n"


def test_the_nearest_place_wins(script: CommandHere) -> None:
    script.write("conf/flink-conf.yaml", "parallelism.default: 2")
    script.write("env/flink-conf.yaml", "parallelism.default: 3")
    script.write("given/flink-conf.yaml", "parallelism.default: 4")
    assert script.output("s.py") == "2\n"
    assert script.output("s.py", FLINK_CONF_DIR="env") == "3\n"
    assert script.output("s.py", "-c", "given", FLINK_CONF_DIR="env") == "4\n"
    assert script.output("s.py", FLINK_CONF_DIR="") == "2\n"


def test_the_newer_file_name_is_read_where_the_older_is_absent(script: CommandHere) -> None:
    script.write("conf/config.yaml", "parallelism:\n  default: 5")
    assert script.output("s.py") == "5\n"
    script.write("conf/flink-conf.yaml", "parallelism.default: 2")
    assert script.output("s.py") == "2\n"


def test_precedence_of_parallelism(script: CommandHere) -> None:
    script.write("conf/flink-conf.yaml", "parallelism.default: 2")
    assert script.output("s.py", "-D", "parallelism.default=3") == "3\n"
    assert script.output("s.py", "-p", "4", "-D", "parallelism.default=3") == "4\n"
    script.write(
        "set.py",
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.set_parallelism(5)
            print(env.get_parallelism())
        """,
    )
    assert script.output("set.py", "-p", "4") == "5\n"


def test_auto_takes_the_usable_cores(script: CommandHere) -> None:
    from stream_engine.configuration.values import usable_cores

    assert script.output("s.py", "-p", "auto") == f"{usable_cores()}\n"


def test_of_two_definitions_the_last_counts(script: CommandHere) -> None:
    assert script.output("s.py", "-D", "parallelism.default=3", "-Dparallelism.default = 2") == "2\n"


@pytest.mark.parametrize("definition", ["parallelism.default", "=3", ""])
def test_a_definition_needs_a_key_and_a_value(script: CommandHere, definition: str) -> None:
    done = script.run("s.py", "-D", definition)
    assert (done.returncode, done.stdout) == (2, "")
    assert "KEY=VALUE" in done.stderr


def test_a_bad_value_is_reported_with_key_value_line_and_what_is_allowed(script: CommandHere) -> None:
    script.write("conf/flink-conf.yaml", "# first\nparallelism:\n  default: many\n")
    done = script.run("s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: conf/flink-conf.yaml:3: parallelism.default: many: give a whole number from 1 to 32768, or auto\n"
    )


@pytest.mark.parametrize(
    ("args", "typed"),
    [
        (["-p", "0"], "-p 0"),
        (["--parallelism=abc"], "--parallelism abc"),
        (["-D", "parallelism.default=0"], "-D parallelism.default=0"),
    ],
)
def test_a_bad_value_on_the_command_line_is_reported_as_it_was_typed(
    script: CommandHere, args: list[str], typed: str
) -> None:
    done = script.run("s.py", *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: {typed}: give a whole number from 1 to 32768, or auto\n"


def test_an_unknown_key_is_a_warning_with_the_nearest_known_one(script: CommandHere) -> None:
    script.write("conf/flink-conf.yaml", "paralelism.default: 2\njobmanager.rpc.address: localhost\n")
    done = script.run("s.py", "-D", "my.own=1")
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert done.stderr == (
        "Warning: unknown key 'paralelism.default' in conf/flink-conf.yaml:1; did you mean 'parallelism.default'?\n"
        "Warning: unknown keys, without effect here: "
        "'jobmanager.rpc.address' in conf/flink-conf.yaml:2, 'my.own' given with -D\n"
    )


@pytest.mark.parametrize(
    ("definition", "warning"),
    [
        ("paralelism.default=2", "unknown key 'paralelism.default' given with -D; did you mean 'parallelism.default'?"),
        ("my.own=1", "unknown key, without effect here: 'my.own' given with -D"),
    ],
)
def test_an_unknown_key_of_the_command_line_is_a_warning(script: CommandHere, definition: str, warning: str) -> None:
    done = script.run("s.py", "-D", definition)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", f"Warning: {warning}\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [1\nc: 2\n", 3),
        ("a: b: c\n", 1),
        ("a: 1\n\tb: 2\n", 2),
        ("- a\n- b\n", 1),
        ("just words\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: &x\n  b: *x\n", 2),
        ("a:\n  - {b: 1}\n", 1),
        ("a: 1\nb: 2\na: 3\n", 3),
        ("pipeline.name: x\npipeline:\n  name: y\n", 3),
        ("? [a]\n: 1\n", 1),
    ],
)
def test_a_file_that_is_no_configuration_is_reported_with_its_line(script: CommandHere, text: str, line: int) -> None:
    script.write("conf/flink-conf.yaml", text)
    done = script.run("s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: conf/flink-conf.yaml:{line}: ")
    assert "Traceback" not in done.stderr


def aliases(first: str, levels: int = 30) -> str:
    """Each level has the one before it nine times: nothing could hold what the last one stands for."""
    lines = [f"a0: &a0 {first}"]
    for level in range(1, levels):
        values = ", ".join(f"k{number}: *a{level - 1}" for number in range(9))
        lines.append(f"a{level}: &a{level} {{{values}}}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (aliases("{x: 1}"), "more than 1000 keys and values, or more than 256 KiB of them; an alias"),
        (aliases("{}"), "more than 1000 keys and values, or more than 256 KiB of them; an alias"),
        (aliases("~"), "more than 1000 keys and values, or more than 256 KiB of them; an alias"),
        (f"a: &a {'x' * 100_000}\nb: [{'*a, ' * 900}]", "more than 256 KiB of them; an alias"),
        ("\n".join(f"{' ' * depth}a:" for depth in range(21)) + " 1", "keys are nested more than 20 deep"),
        ("\n".join(f"{' ' * depth}a:" for depth in range(700)) + " 1", "keys are nested more than 20 deep"),
        ("{a: " * 20_000, ""),
        ("a: 1\n#" + "#" * 256 * 1024, "larger than 256 KiB, which is no configuration"),
    ],
    ids=["values", "empty", "null", "texts", "deep", "very deep", "unclosed", "large"],
)
def test_a_file_that_stands_for_too_much_is_refused(script: CommandHere, text: str, message: str) -> None:
    script.write("conf/flink-conf.yaml", "").write_text(text)
    done = script.run("s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: conf/flink-conf.yaml:")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_few_aliases_may_be_used(script: CommandHere) -> None:
    script.write("conf/flink-conf.yaml", "mine: &mine {default: 3}\nparallelism: *mine\n")
    done = script.run("s.py")
    assert (done.returncode, done.stdout) == (0, "3\n")


def test_the_log_says_which_file_is_used_and_why(command: Command) -> None:
    command.write("s.py", PARALLELISM)
    path = command.write("conf/flink-conf.yaml", "")
    assert f"Configuration: {path} (conf of the working directory)\n" in command.run("-vv", "s.py").stderr
    assert f"Configuration: {path} (-c)\n" in command.run("-vv", "-c", "conf", "s.py").stderr
    assert f"Configuration: {path} (FLINK_CONF_DIR)\n" in command.run("-vv", "s.py", FLINK_CONF_DIR="conf").stderr


def test_a_binary_file_is_reported(script: CommandHere) -> None:
    script.write("conf/flink-conf.yaml", "").write_bytes(b"a: \xff\x00\xfe")
    done = script.run("s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: conf/flink-conf.yaml: not valid YAML: ")


@pytest.mark.parametrize("by_environment", [False, True])
def test_a_named_directory_must_exist(script: CommandHere, by_environment: bool) -> None:
    done = script.run("s.py", FLINK_CONF_DIR="gone") if by_environment else script.run("s.py", "-c", "gone")
    origin = "FLINK_CONF_DIR" if by_environment else "-c"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: {origin} gone: no such directory\n"


def test_a_named_file_is_not_a_directory(script: CommandHere) -> None:
    script.write("my.yaml", "")
    done = script.run("s.py", "-c", "my.yaml")
    assert (done.returncode, done.stderr) == (2, "Error: -c my.yaml: not a directory\n")


def test_a_named_directory_without_a_file_gives_the_defaults_and_a_warning(script: CommandHere) -> None:
    script.write("conf/flink-conf.yaml", "parallelism.default: 2")
    (script.directory / "empty").mkdir()
    done = script.run("s.py", "-c", "empty")
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert done.stderr.startswith("Warning: -c empty: no flink-conf.yaml or config.yaml there")


def test_values_are_text_whatever_yaml_makes_of_them(tmp_path: Path) -> None:
    file = tmp_path / "flink-conf.yaml"
    file.write_text("pipeline.name: 1_000\npipeline.object-reuse: yes\n")
    with pytest.raises(ConfigurationError, match=r":2: pipeline.object-reuse: yes: give true or false"):
        load(str(file), [])
    file.write_text("pipeline.name: 1_000\nio.tmp.dirs: [/a, /b]\n")
    configuration, warnings = load(str(file), [])
    assert configuration.get("pipeline.name") == "1_000"
    assert configuration.get("io.tmp.dirs") == ("/a", "/b")
    assert warnings == []


def test_the_shipped_file_and_the_table_of_options_agree() -> None:
    configuration, warnings = load(str(SHIPPED), [])
    assert warnings == []
    assert configuration.to_dict() == {key: option.default for key, option in OPTIONS.items()}


def test_every_key_of_the_shipped_file_has_a_comment() -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    for paragraph in "\n".join(lines).split("\n\n"):
        assert paragraph.startswith("#"), f"no comment above {paragraph!r}"
    assert set(yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))) == set(OPTIONS)


def test_the_checkouts_file_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLINK_CONF_DIR", raising=False)
    source = find(None)
    assert source.file is not None
    assert Path(source.file).samefile(SHIPPED)


def test_options_of_the_clients_of_file_systems_are_not_unknown() -> None:
    settings = [
        Setting("fs.s3.client_kwargs.region_name", "north", "-D"),
        Setting("fs.hdfs.dfs.replication", "1", "-D"),
        Setting("fs.output.always-create-directory", "true", "-D"),
    ]

    _, warnings = load(None, settings)

    assert warnings == ["unknown key, without effect here: 'fs.output.always-create-directory' given with -D"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("parallelism:\n\tdefault: 2\n", "2: not valid YAML: a tab: indent with spaces"),
        ("pipeline.name: @daily\n", "1: not valid YAML: @ cannot begin a value: put the value in quotes"),
        ("a: 1\n---\nb: 2\n", "2: not valid YAML: a second document begins here ('---'): the file must hold one"),
    ],
)
def test_what_yaml_cannot_read_is_told_with_what_to_change(script: CommandHere, content: str, message: str) -> None:
    script.write("conf/flink-conf.yaml", "").write_text(content)
    done = script.run("s.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: conf/flink-conf.yaml:{message}\n"
