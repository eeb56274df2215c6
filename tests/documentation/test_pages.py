"""The pages: their links lead somewhere, the first one is short, and tables of names say what the code has."""

from __future__ import annotations

import importlib
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from pages import PAGES, ROOT, blocks, name_of, text_of

from pyflink_stream.cli import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINK = re.compile(r"\[[^][]*\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """The page without its blocks of code, where a ``#`` begins a comment."""
    return FENCED.sub("", text_of(page))


def anchors(page: Path) -> set[str]:
    """What links can name in a page: its headings, as GitHub spells them in addresses."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(prose(page))}


def links(page: Path) -> Iterator[str]:
    return (link for link in LINK.findall(prose(page)) if "://" not in link)


def broken(page: Path) -> Iterator[str]:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and (target not in PAGES or anchor not in anchors(target))):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_lead_to_a_file_and_a_heading(page: Path):
    assert list(links(page))
    assert list(broken(page)) == []


def test_a_link_to_a_file_or_heading_that_is_not_there_is_found(tmp_path: Path):
    page = tmp_path / "README.md"
    page.write_text("[a](#here) [b](#there) [c](other.md) [d](README.md)\n# Here\n```sh\n# There\n```\n")

    assert list(broken(page)) == ["#here", "#there", "other.md"]


def test_every_page_is_known_and_can_be_reached_from_the_first():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*README.md"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("this is no checkout of git")
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links(PAGES[0])}

    assert {ROOT / name for name in listed.stdout.split()} == set(PAGES)
    assert set(PAGES[1:]) <= linked


def test_the_first_page_has_at_most_10240_bytes():
    assert len(PAGES[0].read_bytes()) <= 10_240


def test_pages_name_only_targets_that_the_makefile_has():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    code = [text for page in PAGES for text in (*blocks(page, "sh"), *re.findall(r"`([^`\n]+)`", prose(page)))]
    named = {name for text in code for name in re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)}

    assert {"test", "bench", "options"} <= named <= {*targets}


@pytest.mark.parametrize("page", ["README.md", "runner/README.md"])
def test_the_table_of_options_has_those_of_the_command(page: str):
    rows = re.findall(r"^\| (`-.*?`) \|", prose(ROOT / page), re.MULTILINE)
    listed = {option for row in rows for option in re.findall(r"(?<![\w-])--[a-z-]+", row)}
    hidden = {name for each in command.params if getattr(each, "hidden", False) for name in each.opts}
    known = {name for each in command.params for name in each.opts if name.startswith("--")} - hidden

    # "-v" stands for itself and for --verbose; -D has one name only. Help is not among the command's own options.
    assert listed - {"--help", "--version"} == known - {"--verbose", "--version"}


def test_the_table_of_imports_has_every_module_and_name_that_scripts_can_import():
    rows = re.findall(r"^\| `((?:org)?\.[\w.]+)` \| (.*) \|$", prose(ROOT / "engine" / "README.md"), re.MULTILINE)
    listed = {
        module if module.startswith("org") else f"org.apache.flink{module}": set(re.findall(r"`(\w+)`", names))
        for module, names in rows
    }
    listed["org.apache.flink.streaming.util.serialization"] |= listed["org.apache.flink.api.common.serialization"]
    engine = ROOT / "engine"
    modules = [".".join(path.relative_to(engine).with_suffix("").parts) for path in (engine / "org").rglob("*.py")]
    known = [name.removesuffix(".__init__") for name in modules]

    assert listed == {name: set(importlib.import_module(name).__all__) for name in known}


def test_the_table_of_where_to_change_what_names_modules_and_rooms_that_exist():
    _, _, table = text_of(ROOT / "engine" / "stream_engine" / "README.md").partition("### Where to change what\n")
    named = set(re.findall(r"`([\w./]+(?:/|\.py))`", table))
    roots = (ROOT, ROOT / "engine", ROOT / "engine" / "stream_engine", ROOT / "runner" / "pyflink_stream")

    assert "graph/job_graph.py" in named
    assert [name for name in sorted(named) if not any((root / name).exists() for root in roots)] == []
