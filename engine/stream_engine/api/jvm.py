"""Explains imports of JVM classes that do not exist here: which class it is, and what to use instead."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

from stream_engine.api.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_ROOTS = (
    *("org.apache.flink.", "org.apache.hadoop.", "org.apache.kafka.", "org.apache.log4j.", "org.slf4j."),
    *("java.", "javax.", "scala."),
)

# By class or package; the longest match counts.
_INSTEAD = {
    "java": "use Python's own libraries",
    "java.io": "use open() and the os, io and pathlib modules",
    "java.lang": "use Python's own types and exceptions",
    "java.lang.System": "use the sys, os and time modules",
    "java.lang.Thread": "use the threading module",
    "java.math": "use int and the decimal module",
    "java.net": "use the socket and urllib modules",
    "java.nio": "use the pathlib module and bytes",
    "java.text": "use the datetime module and str.format",
    "java.time": "use the datetime module",
    "java.util": "use Python's own collections",
    "java.util.ArrayList": "use a list",
    "java.util.Date": "use the datetime module",
    "java.util.HashMap": "use a dict",
    "java.util.HashSet": "use a set",
    "java.util.LinkedList": "use collections.deque",
    "java.util.List": "use a list",
    "java.util.Map": "use a dict",
    "java.util.Random": "use the random module",
    "java.util.Scanner": "use str.split and the re module",
    "java.util.Set": "use a set",
    "java.util.UUID": "use the uuid module",
    "java.util.concurrent": "use the threading and concurrent.futures modules",
    "java.util.regex": "use the re module",
    "javax": "use Python's own libraries",
    "org.apache.flink": "use the operations that streams have here; engine/README.md lists them",
    "org.apache.flink.api.common.typeinfo": "leave it out: records are Python objects and need no type information",
    "org.apache.flink.api.java.tuple": "use a Python tuple",
    "org.apache.flink.api.java.typeutils": "leave it out: records are Python objects and need no type information",
    "org.apache.flink.contrib.streaming.state": "leave it out: the option state.backend says where state is kept",
    "org.apache.flink.runtime.state": "leave it out: the option state.backend says where state is kept",
    "org.apache.flink.streaming.api.environment": "use the factory that main(factory) is given",
    "org.apache.flink.streaming.api.functions": "use a rich function, which may keep state for each key",
    "org.apache.flink.streaming.api.functions.co": "use the union of both streams, and tell its records apart",
    "org.apache.flink.streaming.api.windowing": "use time_window() or count_window() of a keyed stream",
    **{
        f"org.apache.flink.streaming.api.windowing.assigners.{name}SessionWindows": (
            "for session windows, write a rich function that keeps each key's last time in its state"
        )
        for name in ("EventTime", "ProcessingTime", "DynamicEventTime", "DynamicProcessingTime")
    },
    "org.apache.flink.streaming.connectors": "write a SourceFunction or SinkFunction around a Python client",
    "org.apache.flink.streaming.python.connectors": "write a SourceFunction or SinkFunction around a Python client",
    "org.apache.flink.table": "use the operations of a data stream",
    "org.apache.flink.util.Collector": "leave it out: a function is handed its collector",
    "org.apache.flink.util.OutputTag": "use a str as the name of a side output",
    "org.apache.hadoop": "use open(), read_text_file() or a Python client",
    "org.apache.kafka": "use a Python client",
    "org.apache.log4j": "use the logging module",
    "org.slf4j": "use the logging module",
    "scala": "use Python's own types and collections",
}
# Names that differ by more than a letter or two may be those of other classes of the JVM.
_ALIKE = 0.88


class JvmFinder:
    """A finder that the import system asks when no other knows a name.

    By convention a JVM class begins with a capital letter and a package with a small one. A package is imported as an
    empty module, so that the error is about the class wanted from it, which only the next step of the import names.
    """

    @classmethod
    def install(cls) -> None:
        """Adds a finder as the last one, so that existing modules are found as ever."""
        if not any(isinstance(finder, cls) for finder in sys.meta_path):
            sys.meta_path.append(cls())  # pyright: ignore[reportArgumentType]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not f"{fullname}.".startswith(_ROOTS):
            return None
        # A bridge to a real JVM, installed later, may know better.
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:  # pyright: ignore[reportArgumentType]
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                return spec
        if fullname.rpartition(".")[2][:1].isupper():
            raise ImportError(explanation(fullname), name=fullname)
        return ModuleSpec(fullname, self, is_package=True)  # pyright: ignore[reportArgumentType]

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        def missing(name: str) -> Any:
            raise AttributeError(explanation(f"{module.__name__}.{name}") if name[:1].isupper() else name)

        module.__getattr__ = missing


def explanation(class_name: str) -> str:
    """``explained`` in one sentence."""
    problem, instead = explained(class_name)
    end = "" if instead.endswith("?") else "."
    return f"{problem}: {instead}{end}" if instead else f"{problem}."


def explained(class_name: str) -> tuple[str, str]:
    """Why ``class_name``, in full, cannot be imported; and what to use instead, empty if that is unknown."""
    package, _, name = class_name.rpartition(".")
    known = _modules_with(name)
    if package in known:
        return f"{class_name} is a class, not a module", f"write from {package} import {name}, then {name}.NAME"
    classes = [each for each, value in vars(sys.modules.get(package, object)).items() if isinstance(value, type)]
    meant = None if known else nearest(name, classes, _ALIKE)
    if meant:
        return f"{package} has no {name}", f"did you mean {meant}?"
    if known:
        return f"{package} has no {name}", f"import it from {' or '.join(known)}"
    parts = class_name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    instead = next((_INSTEAD[prefix] for prefix in prefixes if prefix in _INSTEAD), "")
    if class_name.startswith("org.apache.flink."):
        return f"{class_name} is not there", instead
    return f"{class_name} is not there, as native Python has no JVM", instead


def _modules_with(name: str) -> list[str]:
    """The modules of the ``org.apache.flink`` and ``java`` trees here that do have a class of this name."""
    import re
    from pathlib import Path

    root = Path(__file__).parents[2]
    files = (file for tree in ("org/apache/flink", "java") for file in sorted((root / tree).rglob("*.py")))
    word = re.compile(rf"\b{re.escape(name)}\b")
    found = (file.relative_to(root).with_suffix("") for file in files if word.search(file.read_text("utf-8")))
    return [".".join(path.parts).removesuffix(".__init__") for path in found]
