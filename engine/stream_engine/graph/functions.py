"""A user function in the plan: pickled at the API call, and loaded anew in every subtask."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from types import CodeType


class UserFunction(NamedTuple):
    """A snapshot of a function object, taken when the script passed it to the API.

    ``payload`` is a cloudpickle of the object, ``label`` names it for people (``Tokenizer``, ``<lambda>``), and
    ``method`` is the method an operator calls (``flatMap``); None when the object itself is called.
    ``returns_nothing`` says that a call can only return None, ``only_reads`` that it can neither change nor keep
    records, ``forgets`` that it keeps nothing of what it returns. ``made_fields``, if there are any, say that a call
    returns a new tuple and makes these of its fields; the others are constants, or fields of its first argument, a
    tuple.
    """

    payload: bytes
    label: str
    method: str | None
    returns_nothing: bool = False
    only_reads: bool = False
    forgets: bool = False
    made_fields: tuple[int, ...] = ()

    def load(self) -> Any:
        """A new copy of the object; each subtask has its own. Raises what unpickling it raises."""
        return pickle.loads(self.payload)


def located(file: str, make: Any, *arguments: Any) -> CodeType:
    """Called by pickles of functions that travel by value: their code, with the name of its file."""
    return make(*arguments).replace(co_filename=file)


def with_attributes(made: object, attributes: dict[str, Any]) -> None:
    """Called by pickles of objects: gives one its attributes one by one.

    CPython 3.11 and later keep them beside the object until its ``__dict__`` is asked for. That is what unpickling
    does, and from then on it takes up to a third longer to work with them.
    """
    for name, value in attributes.items():
        object.__setattr__(made, name, value)
