"""Makes exactly the modules that a program names importable, in the launcher's process and in every worker's.

Workers import this module before anything of the user's: it stays light.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COMPILED_SUFFIXES = (*BYTECODE_SUFFIXES, *EXTENSION_SUFFIXES)
_LIBRARIES = sys.stdlib_module_names | {"click", "cloudpickle", "rich", "watchdog", "yaml"}
_NEVER_ARCHIVED = sys.stdlib_module_names | {"pyflink_stream", "stream_engine"}


class ProgramFinder:
    """Finds the top-level modules of a program before anybody else does, and leaves all other names alone.

    ``modules`` maps a name to its file or directory; ``archives`` are zip files, whose modules come after the standard
    library but before installed ones; ``resources`` maps the names that ``pkgutil.get_data`` finds beside a module to
    files or directories.
    """

    def __init__(
        self,
        modules: Mapping[str, str],
        archives: Sequence[str],
        resources: Mapping[str, str],
        originals: Mapping[str, str] | None = None,
    ) -> None:
        """``originals`` maps files and directories to where they are on another machine: tracebacks name those."""
        self.modules = modules
        self._originals = originals or {}
        self.archives = archives
        self.resources = resources
        # The files that somebody has asked a module's loader for, in this process.
        self.read: set[str] = set()
        self._hidden: dict[str, ModuleType | None] = {}
        self._forgotten: dict[str, ModuleType] = {}
        self._standing_aside: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Called by the import system; ``path`` is None for a top-level name."""
        if path is not None:
            return self._copied(fullname, path) if self._originals else None
        if fullname in self._standing_aside:
            return None
        location = self.modules.get(fullname)
        if location is not None:
            return self._spec_of(fullname, location)
        return self._archived(fullname)

    def install(self) -> None:
        """Puts the finder first, and forgets the modules already loaded whose names belong to the program."""
        sys.meta_path.insert(0, self)  # pyright: ignore[reportArgumentType]
        for name, location in self.modules.items():
            if name in sys.modules:
                self._hidden[name] = sys.modules[name]
            self._forget(name, parts=os.path.isdir(location))
        # A copy, as other threads may import meanwhile.
        for name in [name for name in list(sys.modules) if "." not in name and self._archived(name)]:
            self._forget(name, parts=True)

    def uninstall(self) -> None:
        """Removes the finder and the program's modules, and restores those that ``install`` made Python forget."""
        sys.meta_path.remove(self)  # pyright: ignore[reportArgumentType]
        forgotten, self._forgotten = self._forgotten, {}
        for name, location in self.modules.items():
            self._forget(name, parts=os.path.isdir(location))
        sys.modules.update(forgotten)

    def hidden_by(self, module: ModuleType) -> ModuleType | None:
        """The module that would have the name of ``module`` without the program; None when there is none."""
        name = module.__name__
        if sys.modules.get(name) is not module:
            return None  # The module is still being made: the import system looks at it before it registers it.
        if name not in self._hidden:
            del sys.modules[name]
            self._standing_aside.add(name)
            try:
                self._hidden[name] = importlib.import_module(name)
            except ImportError:
                self._hidden[name] = None
            finally:
                self._standing_aside.discard(name)
                sys.modules[name] = module
        return self._hidden[name]

    def _forget(self, name: str, parts: bool) -> None:
        """Makes the import system load the module anew, and with ``parts`` the modules of the package, too."""
        for loaded in [each for each in list(sys.modules) if each == name or (parts and each.startswith(f"{name}."))]:
            self._forgotten[loaded] = sys.modules.pop(loaded)

    def original(self, path: str) -> str:
        """Where the file is on the machine that it comes from."""
        for copy, original in self._originals.items():
            if path == copy or path.startswith(copy + os.sep):
                return original + path[len(copy) :]
        return path

    def _copied(self, name: str, path: Sequence[str]) -> ModuleSpec | None:
        """A module inside a package that is a copy of another machine's."""
        spec = PathFinder.find_spec(name, path)
        origin = spec.origin if spec is not None and isinstance(spec.loader, SourceFileLoader) else None
        if spec is None or origin is None or self.original(origin) == origin:
            return None
        return importlib.util.spec_from_file_location(
            name,
            origin,
            loader=_SourceLoader(name, origin, self),
            submodule_search_locations=spec.submodule_search_locations,
        )

    def _archived(self, name: str) -> ModuleSpec | None:
        if not self.archives or name in _NEVER_ARCHIVED:
            return None
        spec = PathFinder.find_spec(name, self.archives)
        # A namespace package may have parts elsewhere too; the archives on sys.path bring this one in.
        return spec if spec is not None and spec.loader is not None else None

    def _spec_of(self, name: str, location: str) -> ModuleSpec | None:
        if not os.path.isdir(location):
            if location.endswith(_COMPILED_SUFFIXES):
                return importlib.util.spec_from_file_location(name, location)
            return importlib.util.spec_from_file_location(name, location, loader=_SourceLoader(name, location, self))
        initialiser = os.path.join(location, "__init__.py")
        if os.path.isfile(initialiser):
            return importlib.util.spec_from_file_location(
                name,
                initialiser,
                loader=_SourceLoader(name, initialiser, self),
                submodule_search_locations=[location],
            )
        return self._namespace(name, location)

    def _namespace(self, name: str, location: str) -> ModuleSpec:
        """A directory without ``__init__.py``, joined with the parts of the same namespace that are installed."""
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [location]
        installed = PathFinder.find_spec(name)
        if installed is not None and installed.loader is None:
            parts = installed.submodule_search_locations or []
            spec.submodule_search_locations += [part for part in parts if part != location]
        return spec


class _SourceLoader(SourceFileLoader):
    """Loads a source file as it is now, and finds the program's data files."""

    def __init__(self, name: str, path: str, finder: ProgramFinder) -> None:
        super().__init__(name, path)
        self._finder = finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return _NamesakeModule(spec.name, self._finder) if spec.name in _LIBRARIES else None

    def path_stats(self, path: str) -> Any:
        # Compiled files are known by the second of the source's change: too coarse for a script that is being edited
        # and rerun. Without a time the import system neither reads nor writes one.
        raise OSError(path)

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> Any:
        try:
            original = self._finder.original(path)
            return super().source_to_code(data, original, _optimize=_optimize)  # pyright: ignore[reportCallIssue]
        except (SyntaxError, ValueError) as error:
            if getattr(error, "filename", None) is None:  # It may have null bytes.
                raise SyntaxError(f"{path} is not Python source: {error}") from None
            raise

    def get_data(self, path: str) -> bytes:
        if not os.path.exists(path):
            name, _, rest = os.path.relpath(path, os.path.dirname(self.path)).partition(os.sep)
            if name in self._finder.resources:
                path = os.path.join(self._finder.resources[name], rest) if rest else self._finder.resources[name]
        self._finder.read.add(path)
        return super().get_data(path)


class _NamesakeModule(ModuleType):
    """A user's module with a library's name. What it does not define comes from the library.

    The library's own modules import each other by that name, often long after the start: with a script called
    ``select.py`` they would find no ``select.epoll`` any more.
    """

    def __init__(self, name: str, finder: ProgramFinder) -> None:
        super().__init__(name)
        self.__finder = finder

    def __getattribute__(self, attribute: str) -> Any:
        value = super().__getattribute__(attribute)
        if value is self:  # ``import socket`` in a script called socket.py has bound it to itself.
            raise AttributeError(attribute)
        return value

    def __getattr__(self, attribute: str) -> Any:
        if not attribute.startswith("__") or attribute == "__path__":
            hidden = self.__finder.hidden_by(self)
            if hidden is not None and hasattr(hidden, attribute):
                return getattr(hidden, attribute)
        raise AttributeError(f"module {self.__name__!r} has no attribute {attribute!r}")
