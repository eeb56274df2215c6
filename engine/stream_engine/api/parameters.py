"""The script's own parameters, as ``--key value`` pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.api.jdk import Properties
from stream_engine.beans import with_properties
from stream_engine.configuration import Configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NO_VALUE = "__NO_VALUE_KEY"


@with_properties
class ParameterTool:
    """Keys and their values as text. A key given without a value has ``__NO_VALUE_KEY``."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    @classmethod
    def from_args(cls, arguments: Sequence[str]) -> ParameterTool:
        """Reads ``--key value`` and ``-key value``; a negative number is a value. Raises ValueError for other forms."""
        values: dict[str, str] = {}
        key = None
        for argument in arguments:
            if argument.startswith("-") and not _is_number(argument):
                key = argument[2:] if argument.startswith("--") else argument[1:]
                if not key:
                    raise ValueError(f"{argument!r} in {list(arguments)} is not the name of a parameter.")
                values[key] = NO_VALUE
            elif key is None:
                raise ValueError(f"{argument!r} in {list(arguments)} is not preceded by its --name.")
            else:
                values[key], key = argument, None
        return cls(values)

    @classmethod
    def from_map(cls, values: Mapping[str, Any]) -> ParameterTool:
        return cls({key: str(value) for key, value in values.items()})

    def has(self, key: str) -> bool:
        return key in self._values

    def get(self, key: str, default: str | None = None) -> str | None:
        return self._values.get(key, default)

    def get_required(self, key: str) -> str:
        """Raises ValueError when the key was not given."""
        return self._as(str, key, None)

    def get_int(self, key: str, default: int | None = None) -> int:
        """Raises ValueError when the key was not given and has no default, or is not a whole number."""
        return self._as(int, key, default)

    def get_float(self, key: str, default: float | None = None) -> float:
        """Raises ValueError when the key was not given and has no default, or is not a number."""
        return self._as(float, key, default)

    def get_boolean(self, key: str, default: bool | None = None) -> bool:
        """Whether the value is ``true``. Raises ValueError when the key was not given and has no default."""
        return self._as(lambda text: text.lower() == "true", key, default)

    def to_map(self) -> dict[str, str]:
        return dict(self._values)

    def get_properties(self) -> Properties:
        return Properties(self._values)

    def get_configuration(self) -> Configuration:
        """Raises ConfigurationError when a known option has a value that it cannot have."""
        return Configuration(self._values)

    def get_number_of_parameters(self) -> int:
        return len(self._values)

    def _as(self, convert: Callable[[str], Any], key: str, default: Any) -> Any:
        if key in self._values:
            try:
                return convert(self._values[key])
            except ValueError:
                raise ValueError(f"--{key} {self._values[key]}: not what is needed here.") from None
        if default is None:
            raise ValueError(f"The parameter --{key} is missing.")
        return default

    fromArgs = from_args
    fromMap = from_map
    getRequired = get_required
    getInt = getLong = get_long = get_int
    getFloat = getDouble = get_double = get_float
    getBoolean = get_boolean
    toMap = to_map
    getProperties = get_properties
    getConfiguration = get_configuration
    getNumberOfParameters = get_number_of_parameters


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
