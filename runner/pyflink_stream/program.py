"""A script with its packages and parameters: finds them, makes them importable, and calls main.

Workers unpickle a Program and install it before they load anything of the user's: this module stays light.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from pyflink_stream.imports import ProgramFinder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_MODULE_SUFFIXES = (".py", ".pyc", ".so")
_ARCHIVE_SUFFIXES = (".zip", ".whl", ".egg")


class ProgramNotFound(Exception):
    """The script or a package cannot be used; the message names its path."""


class NoEntryPoint(Exception):
    """The script defines no main that could be called with the environment factory."""


class Program:
    """What one command line runs. It can be pickled; a worker's copy brings along the launcher's ``sys.path``.

    A package is what its path is: a directory is importable by its name, a ``.py`` file by its stem, an archive
    (zip, whl, egg) gives the modules in it. Any of them, and any other file, is found by its name beside the script
    and the other modules when they ask ``pkgutil.get_data(__name__, "name")``.
    """

    def __init__(self, script: str, packages: Sequence[str], params: Sequence[str]) -> None:
        """Raises ProgramNotFound when a path does not exist or two of them claim one name."""
        self.argv = [script, *params]
        self.script = os.path.abspath(script)
        unusable = _unusable(script)
        if unusable:
            raise ProgramNotFound(f"{script or repr(script)}: {unusable}")
        self.name = _module_name(self.script)
        self.packages = [_locate(package, self.script, script) for package in packages]
        # Packages as people wrote them, by path: one that nothing imports may be meant as a parameter.
        self.given = dict(zip(self.packages, packages, strict=True))
        self.archives = [path for path in self.packages if path.endswith(_ARCHIVE_SUFFIXES)]
        for archive in self.archives:
            _check_archive(archive)
        self.path: list[str] | None = None
        self.modules = _by_name([(self.name, self.script), *_modules(self.packages)])
        self.resources = _by_name((os.path.basename(path), path) for path in self.packages)

    def install(self) -> ProgramFinder:
        """Makes the program's modules importable in this process, and gives it the script's ``sys.argv``."""
        if self.path is not None:
            sys.path[:] = self.path
        sys.argv = list(self.argv)
        finder = ProgramFinder(self.modules, self.archives, self.resources)
        finder.install()
        for path in (*self.archives, os.path.dirname(self.script)):
            if path not in sys.path:
                sys.path.append(path)
        return finder

    def run(self, factory: Any) -> None:
        """Imports the script and calls its main. Raises what these raise, or NoEntryPoint."""
        __import__(self.name)  # importlib.import_module would show up in the traceback of a script that raises.
        main = vars(sys.modules[self.name]).get("main")
        if not callable(main):
            raise NoEntryPoint(
                f"{self.argv[0]} defines no main(factory), the function that a streaming program begins with"
            )
        call_main(main, factory, self.argv[0])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "path": list(sys.path)}


def call_main(main: Callable[..., Any], factory: Any, file: str) -> None:
    """Raises what ``main`` raises, or NoEntryPoint, which says that it is in ``file``."""
    if _takes(main, factory):
        main(factory)
    elif _takes(main):
        main()
    else:
        line = getattr(getattr(main, "__code__", None), "co_firstlineno", None)
        where = file if line is None else f"{file}:{line}"
        raise NoEntryPoint(f"{where}: main must take one argument, the environment factory")


def leave_launcher_path() -> None:
    """Removes the entry of ``sys.path`` that Python made for the launcher: its own directory or the current one."""
    if getattr(sys.flags, "safe_path", False) or not sys.path:
        return
    main = sys.modules["__main__"]
    own = os.getcwd() if main.__spec__ else os.path.dirname(os.path.realpath(getattr(main, "__file__", "")))
    if os.path.realpath(sys.path[0]) == own:
        del sys.path[0]


def _unusable(script: str) -> str:
    """Why a path cannot be that of a script; empty if it can."""
    if os.path.isdir(script):
        return "a directory, not a script"
    if not os.path.exists(script):
        return "no such script"
    if not os.path.isfile(script):
        return "not a file: a script is read again in each worker"
    if script.endswith((*_ARCHIVE_SUFFIXES, ".jar")):
        return "an archive, not a script: name the script first, and archives with what it imports after it"
    if not os.access(script, os.R_OK):
        return "cannot be read: Permission denied"
    return ""


def _locate(package: str, script: str, given: str) -> str:
    """The package's absolute path: from the working directory, else from that of the script (as ``given``)."""
    for base in (os.getcwd(), os.path.dirname(script)):
        path = os.path.abspath(os.path.join(base, package))
        if package and os.path.exists(path):
            return path
    import shlex

    raise ProgramNotFound(
        f"{package or repr(package)}: no such package; "
        f"a parameter of the script comes after a bare '-': {shlex.join([given, '-', package])}"
    )


def _check_archive(path: str) -> None:
    from zipimport import ZipImportError, zipimporter

    if os.path.isdir(path):
        return
    try:
        zipimporter(path)
    except ZipImportError:
        raise ProgramNotFound(f"{path}: not a zip archive, though its name says so") from None


def _modules(packages: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in packages:
        if path.endswith(_ARCHIVE_SUFFIXES):
            continue
        if os.path.isdir(path):
            yield os.path.basename(path), path
        elif path.endswith(_MODULE_SUFFIXES):
            yield _module_name(path), path


def _module_name(path: str) -> str:
    """The stem; an extension module's name ends at its first dot, and no other name may have a dot in it."""
    stem, suffix = os.path.splitext(os.path.basename(path))
    return stem.partition(".")[0] if suffix == ".so" else stem.replace(".", "_")


def _by_name(entries: Iterable[tuple[str, str]]) -> dict[str, str]:
    named: dict[str, str] = {}
    for name, path in entries:
        if named.setdefault(name, path) != path:
            raise ProgramNotFound(f"{path}: the name {name!r} is taken already, by {named[name]}")
    return named


def _takes(function: Any, *arguments: Any) -> bool:
    from inspect import signature

    try:
        signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # A callable that does not show its signature.
        return True
    return True
