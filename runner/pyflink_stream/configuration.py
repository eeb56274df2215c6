"""From ``flink-conf.yaml`` and the command line to a Configuration."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from stream_engine.configuration import OPTIONS, Configuration, nearest_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FILE_NAMES = ("flink-conf.yaml", "config.yaml")
# Far more than anybody sets; an alias (*name) can stand for very much in few bytes.
_MOST_BYTES = 256 * 1024
_MOST_VALUES = 1000
_DEEPEST = 20
_TOO_DEEP = f"keys are nested more than {_DEEPEST} deep"
# fs.<scheme>.<option>, of which only the client of that store knows whether there is such an option.
_OF_A_FILE_SYSTEM = re.compile(r"fs\.(?!output\.)[A-Za-z][A-Za-z0-9+-]*\..+")
_HERE = os.path.dirname(os.path.abspath(__file__))


class ConfigurationFileError(Exception):
    """The configuration cannot be found or read; the message says where and why."""


class Setting(NamedTuple):
    """A key and its value as text; ``origin`` says where it was set."""

    key: str
    value: str
    origin: str


class Source(NamedTuple):
    """Where the configuration comes from. ``file`` is None if there is none; ``remark`` then says why.

    ``origin`` says why it is that file.
    """

    file: str | None
    remark: str | None = None
    origin: str = ""

    def __str__(self) -> str:
        return f"{os.path.abspath(self.file)} ({self.origin})" if self.file else "the defaults"


def find(directory: str | None) -> Source:
    """The file to read: of ``directory``, FLINK_CONF_DIR, ``./conf``, the checkout's ``conf``, or the packaged one.

    A directory that one of the first two names must exist, and no other is tried. Raises ConfigurationFileError.
    """
    for asked, origin in ((directory, "-c"), (os.environ.get("FLINK_CONF_DIR") or None, "FLINK_CONF_DIR")):
        if asked is not None:
            if not os.path.isdir(asked):
                what = "not a directory" if os.path.exists(asked) else "no such directory"
                raise ConfigurationFileError(f"{origin} {asked or repr(asked)}: {what}")
            file = _file_in(asked)
            names = " or ".join(_FILE_NAMES)
            return Source(file, None if file else f"{origin} {asked}: no {names} there; the defaults hold", origin)
    places = [
        ("conf", "conf of the working directory"),
        *((place, "conf of the checkout") for place in _checkout_conf()),
        (_HERE, "installed"),
    ]
    found = ((_file_in(place), origin) for place, origin in places)
    return next((Source(file, None, origin) for file, origin in found if file), Source(None))


def load(file: str | None, settings: Iterable[Setting]) -> tuple[Configuration, list[str]]:
    """The values of the file, then of ``settings``, of which the later counts; and warnings about unknown keys.

    Raises ConfigurationError for a value that its option does not take, ConfigurationFileError for a file that cannot
    be read.
    """
    configuration = Configuration()
    unknown: list[Setting] = []
    for setting in (*(_read(file) if file else ()), *settings):
        configuration.set(setting.key, setting.value, setting.origin)
        if setting.key not in OPTIONS and not _OF_A_FILE_SYSTEM.fullmatch(setting.key):
            unknown.append(setting)
    return configuration, list(_warnings(unknown))


def _file_in(directory: str) -> str | None:
    paths = (os.path.join(directory, name) for name in _FILE_NAMES)
    return next((path for path in paths if os.path.isfile(path)), None)


def _checkout_conf() -> list[str]:
    root = os.path.dirname(os.path.dirname(_HERE))
    is_checkout = os.path.isdir(os.path.join(root, "engine", "stream_engine"))
    return [os.path.join(root, "conf")] if is_checkout else []


def _read(file: str) -> list[Setting]:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = b""
    try:
        with open(file, "rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ConfigurationFileError(f"{file}: larger than {_MOST_BYTES // 1024} KiB, which is no configuration")
        root = yaml.compose(content, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}:{mark.line + 1}" if mark else file
        raise ConfigurationFileError(f"{where}: not valid YAML: {_problem(error, content)}") from None
    except yaml.YAMLError as error:
        raise ConfigurationFileError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ConfigurationFileError(f"{file}: {_TOO_DEEP}") from None
    except OSError as error:
        raise ConfigurationFileError(f"{file}: cannot be read: {error.strerror}") from None
    if root is None or _is_null(root):
        return []
    if root.id != "mapping":
        raise ConfigurationFileError(f"{file}:{root.start_mark.line + 1}: expected lines of the form 'key: value'")
    settings: dict[str, Setting] = {}
    for setting in _Flat(file).settings(root):
        earlier = settings.setdefault(setting.key, setting)
        if earlier is not setting:
            raise ConfigurationFileError(f"{setting.origin}: {setting.key} is set already, at {earlier.origin}")
    return list(settings.values())


def _problem(error: Any, content: bytes) -> str:
    """What the parser complains of, in words that tell what to change where its own do not."""
    problem = str(error.problem or error.context)
    if "another document" in problem:
        return "a second document begins here ('---'): the file must hold one"
    if "cannot start any token" in problem:
        mark = error.problem_mark
        line = "".join(content.decode("utf-8", "replace").splitlines()[mark.line : mark.line + 1])
        character = line[mark.column : mark.column + 1]
        if character == "\t":
            return "a tab: indent with spaces"
        return f"{character} cannot begin a value: put the value in quotes" if character else problem
    return problem


class _Flat:
    """The leaves of a mapping with their dotted keys. Values stay text: YAML's own ideas of numbers are not Flink's."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._values = 0
        self._size = 0

    def settings(self, node: Any, prefix: str = "", parents: tuple[Any, ...] = ()) -> Iterator[Setting]:
        for key_node, value in node.value:
            origin = f"{self._file}:{key_node.start_mark.line + 1}"
            if key_node.id != "scalar":
                raise ConfigurationFileError(f"{origin}: a key must be text")
            key = prefix + key_node.value.strip()
            self._count(origin, key)
            if value.id == "mapping":
                if any(value is parent for parent in (node, *parents)):
                    raise ConfigurationFileError(f"{origin}: {key} contains itself")
                if len(parents) + 1 >= _DEEPEST:
                    raise ConfigurationFileError(f"{origin}: {_TOO_DEEP}")
                yield from self.settings(value, f"{key}.", (node, *parents))
            elif value.id == "sequence":
                if any(item.id != "scalar" for item in value.value):
                    raise ConfigurationFileError(f"{origin}: {key}: a list may hold plain values only")
                for item in value.value:
                    self._count(origin, item.value)
                yield Setting(key, ",".join(item.value for item in value.value), origin)
            elif not _is_null(value):
                yield Setting(key, value.value, origin)

    def _count(self, origin: str, text: str) -> None:
        self._values += 1
        self._size += len(text)
        if self._values > _MOST_VALUES or self._size > _MOST_BYTES:
            what = f"more than {_MOST_VALUES} keys and values, or more than {_MOST_BYTES // 1024} KiB of them"
            raise ConfigurationFileError(f"{origin}: {what}; an alias (*name) repeats all that it stands for")


def _is_null(node: Any) -> bool:
    return node.tag == "tag:yaml.org,2002:null"


def _warnings(unknown: list[Setting]) -> Iterator[str]:
    """A line for each unknown key that looks like a known one, and one line for all others: most are a cluster's."""
    strange: list[str] = []
    for setting in unknown:
        nearest = nearest_key(setting.key)
        if nearest:
            yield f"unknown key {_named(setting)}; did you mean {nearest!r}?"
        else:
            strange.append(_named(setting))
    if strange:
        keys = "key" if len(strange) == 1 else "keys"
        yield f"unknown {keys}, without effect here: {', '.join(strange)}"


def _named(setting: Setting) -> str:
    where = "given with" if setting.origin.startswith("-") else "in"
    return f"{setting.key!r} {where} {setting.origin}"
