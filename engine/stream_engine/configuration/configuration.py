"""A validated map of options: the launcher fills it, the engine reads it, and scripts keep keys of their own in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from stream_engine.configuration.options import OPTIONS, ConfigOption

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


class ConfigurationError(ValueError):
    """A value that its option does not take; ``origin`` says where it was set (a file and line, ``-D``, the script)."""

    def __init__(self, key: str, value: object, allowed: str, origin: str) -> None:
        super().__init__(f"{origin}: {key}: {value}: give {allowed}")
        self.key = key
        self.value = value
        self.allowed = allowed
        self.origin = origin

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.key, self.value, self.allowed, self.origin)


class Configuration:
    """Keys and their values. The value of a known option is checked when it is set; other keys take anything.

    ``get`` returns a known option's value in its own type (durations in ms, memory sizes in bytes), or its default if
    it is not set. The typed getters are for keys of the script's own and take a default.
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values: dict[str, Any] = {}
        for key, value in (values or {}).items():
            self.set(key, value)

    def set(self, key: str | ConfigOption[Any], value: Any, origin: str = "the script") -> Configuration:
        """Sets a key and returns the configuration itself. Raises ConfigurationError for a value it cannot have."""
        key = _key(key)
        option = OPTIONS.get(key)
        if option is not None:
            try:
                option.type.parse(_text(value).strip())
            except ValueError:
                raise ConfigurationError(key, value, option.type.allowed, origin) from None
        self._values[key] = value
        return self

    @overload
    def get(self, key: ConfigOption[T]) -> T: ...
    @overload
    def get(self, key: str, default: Any = None) -> Any: ...
    def get(self, key: str | ConfigOption[Any], default: Any = None) -> Any:
        """A known option's value in its type, or its own default; another key's value as it was set, or ``default``."""
        key = _key(key)
        option = OPTIONS.get(key)
        if option is None:
            return self._values.get(key, default)
        return option.type.parse(_text(self._values.get(key, option.default)).strip())

    def contains_key(self, key: str | ConfigOption[Any]) -> bool:
        """Whether the key was set; an option's default does not count."""
        return _key(key) in self._values

    def remove(self, key: str | ConfigOption[Any]) -> None:
        """Forgets the key, so that its default holds again."""
        self._values.pop(_key(key), None)

    def copy(self) -> Configuration:
        """An independent configuration with the same values."""
        return self.merge(Configuration())

    def merge(self, other: Configuration) -> Configuration:
        """A new configuration with the values of both; where both have a key, ``other``'s value."""
        merged = Configuration()
        merged._values = {**self._values, **other._values}
        return merged

    def to_dict(self) -> dict[str, str]:
        """The keys that were set, with their values as text."""
        return {key: _text(value) for key, value in self._values.items()}

    def set_string(self, key: str | ConfigOption[Any], value: str) -> Configuration:
        return self.set(key, str(value))

    def set_integer(self, key: str | ConfigOption[Any], value: int) -> Configuration:
        return self.set(key, int(value))

    def set_float(self, key: str | ConfigOption[Any], value: float) -> Configuration:
        return self.set(key, float(value))

    def set_boolean(self, key: str | ConfigOption[Any], value: bool) -> Configuration:
        return self.set(key, bool(value))

    def get_string(self, key: str | ConfigOption[Any], default: str | None = None) -> str | None:
        """The value as text; ``default`` when the key was not set and has no default of its own."""
        key = _key(key)
        if key in self._values:
            return _text(self._values[key])
        if default is None and key in OPTIONS:
            return OPTIONS[key].default
        return default

    def get_integer(self, key: str | ConfigOption[Any], default: int | None = None) -> int | None:
        """The value as an int; raises ConfigurationError if it is not a whole number."""
        return self._as(int, "a whole number", key, default)

    def get_float(self, key: str | ConfigOption[Any], default: float | None = None) -> float | None:
        """The value as a float; raises ConfigurationError if it is not a number."""
        return self._as(float, "a number", key, default)

    def get_boolean(self, key: str | ConfigOption[Any], default: bool | None = None) -> bool | None:
        """The value as a bool; raises ConfigurationError when it is neither ``true`` nor ``false``."""
        return self._as(_boolean, "true or false", key, default)

    def _as(self, convert: Any, allowed: str, key: str | ConfigOption[Any], default: Any) -> Any:
        key = _key(key)
        if key not in self._values and (default is not None or key not in OPTIONS):
            return default
        value = self.get(key)
        try:
            return convert(value)
        except (TypeError, ValueError):
            raise ConfigurationError(key, value, allowed, "the script") from None

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Configuration) and self.to_dict() == other.to_dict()

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        """Without what is secret, as it may be printed."""
        from stream_engine.configuration.secrets import HIDDEN, is_secret

        shown = {key: HIDDEN if is_secret(key) else value for key, value in self.to_dict().items()}
        return f"Configuration({shown!r})"

    # The names Flink's own Configuration has.
    setString = set_string
    setInteger = setLong = set_long = set_integer
    setFloat = setDouble = set_double = set_float
    setBoolean = set_boolean
    getString = get_string
    getInteger = getLong = get_long = get_integer
    getFloat = getDouble = get_double = get_float
    getBoolean = get_boolean
    containsKey = contains_key
    toMap = to_dict


def _key(key: str | ConfigOption[Any]) -> str:
    return key.key if isinstance(key, ConfigOption) else key


def _text(value: Any) -> str:
    """As it would be written in the file."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _boolean(value: Any) -> bool:
    lowered = _text(value).strip().lower()
    if lowered not in ("true", "false"):
        raise ValueError(value)
    return lowered == "true"
