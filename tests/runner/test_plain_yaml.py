"""What is read without a YAML parser is what the parser would have read."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pyflink_stream.configuration import ConfigurationFileError, load
from pyflink_stream.plain_yaml import plain_lines

SHIPPED = Path(__file__).resolve().parents[2] / "conf" / "flink-conf.yaml"
PIECES = [
    "a", "Key", "b.c-d", "parallelism.default", "null", "Null", "~", "yes", "1", "-1", "0x1F", "1e3", "1:30", "10 s",
    ":", ": ", ":  ", " ", "#", " #", " # note", "\n", "\n", "\n", "\r\n", "\t", '""', "''", '"x"', "[", "{}", "&",
    "*a", "!", "|", ">", "%", "@", "---", "...", "- ", "?", ",", "/tmp/x", "<<", "=", "\x7f", "\x00", "\u00e9",
    "\u2028",
    "\ufeff", "file:///x", "a b",
]  # fmt: skip


def parsed(content: bytes) -> list[tuple[str, str | None, int]] | None:
    """What YAML has, if it is lines of texts; None for all else."""
    try:
        root = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    if root is None:
        return []
    if root.id != "mapping" or any(node.id != "scalar" for pair in root.value for node in pair):
        return None
    return [
        (key.value, None if value.tag == "tag:yaml.org,2002:null" else value.value, key.start_mark.line + 1)
        for key, value in root.value
    ]


def test_lines_are_read_as_a_parser_does_or_left_to_it():
    made = random.Random(1)
    read = 0
    for _ in range(4000):
        texts = ["".join(made.choices(PIECES, k=made.randint(0, 3))) for _ in range(made.randint(1, 3))]
        keys = made.choices(["", "a: ", "b.c: ", "d:  ", "e:"], weights=[1, 6, 6, 6, 1], k=len(texts))
        content = "\n".join(map("".join, zip(keys, texts, strict=True))).encode()
        lines = plain_lines(content)
        if lines is not None:
            assert [tuple(line) for line in lines] == parsed(content), content
            read += bool(lines)
    assert read > 50


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb.c: 10 s # how long\n",
        'a: ""\n# nothing\n\nb: null\nc:\nd: x  \n',
        "a: 1\r\nb: 2\r\n",
    ],
)
def test_what_most_files_are_made_of_needs_no_parser(text: str):
    lines = plain_lines(text.encode())

    assert lines is not None
    assert [tuple(line) for line in lines] == parsed(text.encode())


@pytest.mark.parametrize(
    "text", ["a:\n  b: 1", "a: b\n  c", "a: 'x'", "a: &b 1", "a: 1\n---\nb: 2", "a: x: y", "a: \u00e9"]
)
def test_what_stands_for_something_else_is_left_to_the_parser(text: str):
    assert plain_lines(text.encode()) is None


def test_the_shipped_file_is_read_without_the_parser():
    code = f"""if True:
        import sys
        from pyflink_stream.configuration import load
        load({str(SHIPPED)!r}, ())
        print("yaml" in sys.modules)
    """

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_key_that_is_set_twice_is_refused_with_both_lines(tmp_path: Path):
    file = tmp_path / "flink-conf.yaml"
    file.write_text("parallelism.default: 1\n\nparallelism.default: 2\n", encoding="utf-8")

    with pytest.raises(ConfigurationFileError, match=r"yaml:3: parallelism\.default is set already, at .*yaml:1$"):
        load(str(file), ())
