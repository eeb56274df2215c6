"""A program on the workers of a Flink cluster: what goes along of it, and how it is installed there.

Workers unpickle a ShippedProgram before anything of the user's: this module stays light.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from pyflink_stream.imports import ProgramFinder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflink_stream.program import Program

_HERE = os.path.dirname(os.path.abspath(__file__))
# Of the launcher, what a worker needs.
_OWN = ("__init__.py", "imports.py", "program.py", "shipped.py")
_OURS = {"stream_engine", "pyflink_stream", "org", "java"}
_lock = Lock()
_installed = False


class ShippedProgram:
    """The script, its packages and data files, and the modules beside the script that it has imported.

    ``files`` gives their names in the archive with their paths; a pickle of this knows them by these names.
    """

    def __init__(self, program: Program) -> None:
        self._program: Program | None = program
        self._table: dict[str, Any] = {}

    def files(self) -> list[tuple[str, str]]:
        """What goes along as of now, by names in the archive."""
        own = [(f"lib/pyflink_stream/{name}", os.path.join(_HERE, name)) for name in _OWN]
        return [*own, *((name, path) for path, name in self._names().items())]

    def install(self) -> None:
        """Makes the modules importable in this process, a worker's, and gives it the script's ``sys.argv``; once."""
        global _installed
        with _lock:
            if _installed:
                return
            _installed = True
            table = self._table
            root = os.path.dirname(os.path.dirname(_HERE))
            where = {path: os.path.join(root, *name.split("/")) for path, name in table["names"].items()}
            modules = {name: where[path] for name, path in table["modules"].items()}
            archives = [where[path] for path in table["archives"]]
            resources = {name: where[path] for name, path in table["resources"].items()}
            sys.argv = list(table["argv"])
            ProgramFinder(modules, archives, resources, {copy: path for path, copy in where.items()}).install()
            sys.path.extend(archives)
            for path, copy in where.items():
                _lend_source(path, copy)

    def _names(self) -> dict[str, str]:
        """The name in the archive of each path. What is beside each other stays so: modules look there for files."""
        program = self._program
        assert program is not None
        paths = [program.script, *program.packages, *dict(_siblings(program)).values()]
        numbers: dict[str, int] = {}
        for path in paths:
            numbers.setdefault(os.path.dirname(path), len(numbers))
        return {path: f"program/{numbers[os.path.dirname(path)]}/{os.path.basename(path)}" for path in paths}

    def __getstate__(self) -> dict[str, Any]:
        program = self._program
        assert program is not None
        return {
            "names": self._names(),
            "modules": {**dict(_siblings(program)), **program.modules},
            "archives": program.archives,
            "resources": program.resources,
            "argv": program.argv,
        }

    def __setstate__(self, table: dict[str, Any]) -> None:
        self._program, self._table = None, table


def _siblings(program: Program) -> Iterator[tuple[str, str]]:
    """The modules that the script has imported from its own directory."""
    directory = os.path.dirname(program.script)
    for name, module in list(sys.modules.items()):
        if "." in name or name in program.modules or name in _OURS:
            continue
        file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
        for path in (os.path.join(directory, name), os.path.join(directory, f"{name}.py")):
            if file in (path, os.path.join(path, "__init__.py")):
                yield name, path


def _lend_source(original: str, copy: str) -> None:
    """Lets tracebacks show the lines of a file that is on another machine, as its copy has them."""
    if not original.endswith(".py"):
        return
    import linecache

    linecache.cache[original] = (partial(_read, copy),)  # pyright: ignore[reportArgumentType]


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
