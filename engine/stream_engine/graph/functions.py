"""A user function in the plan: pickled at the API call, and loaded anew in every subtask."""

from __future__ import annotations

import pickle
from types import FunctionType, MethodType
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
        function = pickle.loads(self.payload)
        if not isinstance(function, FunctionType | MethodType) and type(getattr(function, "__dict__", None)) is dict:
            # CPython 3.11 and 3.12 are slow with the attributes of an object that was unpickled, as its dict shares
            # its keys with those of others and yet stands on its own; in a dict of its own they are fast.
            object.__setattr__(function, "__dict__", dict(function.__dict__))
        return function


def located(file: str, make: Any, *arguments: Any) -> CodeType:
    """Called by pickles of functions that travel by value: their code, with the name of its file."""
    return make(*arguments).replace(co_filename=file)
