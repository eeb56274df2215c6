"""A user's function as the plan holds it: serialised at the API call, and loaded anew in every subtask."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType


@dataclass(frozen=True)
class UserFunction:
    """A snapshot of a function object, taken when the script passed it to the API.

    ``payload`` is a cloudpickle of the object, ``label`` names it for people (``Tokenizer``, ``<lambda>``), and
    ``method`` is the method an operator calls (``flatMap``); None when the object itself is called.
    ``returns_nothing`` says that a call can only give None.
    """

    payload: bytes
    label: str
    method: str | None
    returns_nothing: bool = False

    def load(self) -> Any:
        """A fresh copy of the object; each subtask has its own. Raises what the object's unpickling raises."""
        return pickle.loads(self.payload)


def located(file: str, make: Any, *arguments: Any) -> CodeType:
    """Called by pickles of functions that travel by value: their code, with the name of its file."""
    return make(*arguments).replace(co_filename=file)
