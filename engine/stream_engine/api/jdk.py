"""The few names of the JDK that scripts use, with Python behaviour added."""

from __future__ import annotations

from typing import overload


class NoSuchElementException(LookupError):
    """Raised by a PythonIterator's ``next()`` that has nothing left."""

    # The module that scripts import it from, and that reports show.
    __module__ = "java.util"


class Properties(dict[str, str]):
    """A dict of settings with the methods of ``java.util.Properties``."""

    def set_property(self, key: str, value: str) -> str | None:
        """Sets a key and returns the value it had."""
        previous = self.get(key)
        self[key] = value
        return previous

    @overload
    def get_property(self, key: str) -> str | None: ...
    @overload
    def get_property(self, key: str, default: str) -> str: ...
    def get_property(self, key: str, default: str | None = None) -> str | None:
        """The key's value, or ``default``."""
        return self.get(key, default)

    def contains_key(self, key: str) -> bool:
        return key in self

    def string_property_names(self) -> set[str]:
        return set(self)

    setProperty = put = set_property
    getProperty = get_property
    containsKey = contains_key
    stringPropertyNames = string_property_names
    putAll = dict.update
