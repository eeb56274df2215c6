"""A main under test: loads it with its packages and parameters in the tests' process and in workers.

Workers load this module to be prepared: it stays light.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any

from pyflink_stream.program import Program, call_main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class Subject:
    """``main`` is a function, or the path of a script that defines one."""

    def __init__(self, main: Any, packages: Sequence[str | os.PathLike[str]], params: Sequence[str]) -> None:
        """Raises ProgramNotFound for paths that do not exist, TypeError for what is neither function nor path."""
        self._main: Callable[..., Any] | None = None
        self._module = ""
        script = main
        if not isinstance(main, str | os.PathLike):
            self._main, self._module = main, getattr(main, "__module__", "")
            script = getattr(sys.modules.get(self._module), "__file__", None)
            if script is None or not callable(main):
                raise TypeError(f"main is a function of a module, or the path of a script, not {main!r}")
        self._program = Program(os.fspath(script), [os.fspath(package) for package in packages], list(params))

    @contextmanager
    def installed(self) -> Iterator[Callable[[Any], None]]:
        """Yields a function that calls main with a factory; packages are importable, ``sys.argv`` is the script's."""
        main = self._main
        program = self._program if main is None else self._without_script()
        path, argv = list(sys.path), sys.argv
        finder = program.install()
        try:
            yield program.run if main is None else lambda factory: call_main(main, factory, program.script)
        finally:
            finder.uninstall()
            sys.path[:], sys.argv = path, argv

    def preparation(self) -> Callable[[], None]:
        """What a worker calls first. It can be pickled, and takes along the ``sys.path`` of that moment."""
        if self._main is None or self._module == self._program.name:
            return _Preparation(self._program, "")
        return _Preparation(self._without_script(), self._module)

    def _without_script(self) -> Program:
        """The program, if the script's module is already loaded, or has a name that is not its file's."""
        program = copy(self._program)
        program.modules = {name: path for name, path in program.modules.items() if path != program.script}
        return program


class _Preparation:
    def __init__(self, program: Program, module: str) -> None:
        self._program = program
        self._module = module

    def __call__(self) -> None:
        self._program.install()
        if self._module:
            sys.meta_path.append(_LastFinder(self._module, self._program.script))  # pyright: ignore[reportArgumentType]


class _LastFinder:
    """Finds a module that no other finder knows: some ways of importing tests give them names of their own."""

    def __init__(self, name: str, file: str) -> None:
        self._name = name
        self._file = file

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == self._name:
            return importlib.util.spec_from_file_location(fullname, self._file)
        if self._name.startswith(f"{fullname}."):
            return importlib.util.spec_from_loader(fullname, loader=None, is_package=True)
        return None
