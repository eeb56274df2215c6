"""Checks a user function at the API call, and pickles it at once."""

from __future__ import annotations

from types import MethodType
from typing import Any, NoReturn

from stream_engine.api import functions
from stream_engine.api.analysis.effects import only_reads
from stream_engine.api.analysis.memory import forgets
from stream_engine.api.analysis.results import loses_results, made_fields
from stream_engine.api.analysis.signature import returns_nothing, signature_of, suspends
from stream_engine.api.capture.pickling import complaint, pickled_function
from stream_engine.api.functions import KeySelector
from stream_engine.api.spelling import nearest
from stream_engine.graph.functions import UserFunction
from stream_engine.graph.location import caller_location
from stream_engine.job import InvalidProgramException

# Methods whose result decides what becomes of the record or the state; without one, it would be lost.
_DECISIVE = (
    "extractAscendingTimestamp",
    "extractTimestamp",
    "filter",
    "getKey",
    "reduce",
    "select",
    "serialize",
    "snapshot_state",
)
# Methods that belong together, with their other names and their parameters.
_STATE = {"snapshot_state": ("snapshotState", ()), "restore_state": ("restoreState", ("state",))}
# Methods whose results are what they collect: which parameter takes a result, and how.
_COLLECTING = {
    "flatMap": (1, "collector.collect(result)"),
    "apply": (3, "collector.collect(result)"),
    "run": (0, "ctx.collect(record)"),
}
# How the engine calls a rich function before and after its records.
_LIFE = {"open": ("config",), "close": ()}
_RICH = {name for name in vars(functions) if name.startswith("Rich")}
_TRANSACTIONS = {
    "begin": ("begin", ()),
    "pre_commit": ("preCommit", ("transaction",)),
    "commit": ("commit", ("transaction",)),
    "abort": ("abort", ("transaction",)),
}


def snapshot(
    function: Any, method: str, interface: type, parameters: tuple[str, ...], optional: tuple[str, ...] = ()
) -> UserFunction:
    """The function as it is now; later changes of the object have no effect.

    ``function`` is an object with ``method``, or anything callable; it is called with an argument for each of
    ``parameters``, and perhaps for those of ``optional``. ``interface`` is the base class that the guide derives such
    functions from. Raises InvalidProgramException if it cannot be called so, if a call does nothing, or if it cannot be
    pickled, and as ``keeps_state`` does.
    """
    target, name = _target(function, method, interface, parameters)
    owner = "" if target is function else f"{label_of(function)}."
    called = f"{owner}{name or label_of(function)}"
    _check_parameters(target, called, method, parameters, optional)
    nothing = _check_result(target, f"{called}({', '.join(parameters)})", method)
    _check_life(function, interface)
    keeps_state(function)
    try:
        payload = pickled_function(function)
    except Exception as error:
        advice = "What each worker needs for itself is made in open() of a rich function, or in run() of a source."
        refuse(f"{complaint(label_of(function), function, error)} {advice}", error)
    made = made_fields(target) if method == "reduce" else ()
    return UserFunction(payload, label_of(function), name, nothing, only_reads(target), forgets(target), made)


def keeps_state(function: Any) -> bool:
    """Whether it has ``snapshot_state()`` and ``restore_state(state)``.

    Raises InvalidProgramException if it has only one of them, or with other parameters.
    """
    return _has_all(function, _STATE, any(_method(function, name, _STATE[name][0]) for name in _STATE))


def is_transactional(function: Any) -> bool:
    """Whether a sink has ``pre_commit(transaction)``, and what belongs to it. Raises as ``keeps_state`` does."""
    # Only pre_commit tells: many classes without transactions have methods with the other names.
    return _has_all(function, _TRANSACTIONS, _method(function, "pre_commit", "preCommit") is not None)


def label_of(function: Any) -> str:
    """A name for people: that of a function or class, otherwise that of the object's class."""
    named = function if isinstance(getattr(function, "__name__", None), str) else type(function)
    return named.__name__


def refuse(message: str, cause: Exception | None = None) -> NoReturn:
    """Raises InvalidProgramException with the user's line in front of the message."""
    location = caller_location()
    raise InvalidProgramException(f"{location}: {message}" if location else message) from cause


def _target(function: Any, method: str, interface: type, parameters: tuple[str, ...]) -> tuple[Any, str | None]:
    """What to call, and its method's name; None if the function itself is called."""
    label = label_of(function)
    if isinstance(function, type):
        if issubclass(function, interface) or callable(getattr(function, method, None)):
            refuse(f"{label} is a class, and an object of it is needed: write {label}(...).")
        return function, None
    target = getattr(function, method, None)
    if callable(target):
        return target, method
    call = f"{method}({', '.join(parameters)})"
    if isinstance(function, interface) or not callable(function):
        refuse(_missing(function, call, method, interface))
    return function, None


def _missing(function: Any, call: str, method: str, interface: type) -> str:
    if getattr(type(function), "__module__", "") == "builtins":
        text = f"A {interface.__name__} or a callable is needed, not {function!r} of type {label_of(function)}."
        if interface is KeySelector and isinstance(function, int | str):
            field = f"value.{function}" if str(function).isidentifier() else f"value[{function!r}]"
            text += f" For a field of the records write key_by(lambda value: {field})."
        return text
    text = f"{label_of(function)} has no method {call}, which a {interface.__name__} needs."
    own = {
        name
        for base in type(function).__mro__
        if not base.__module__.startswith(("builtins", "stream_engine."))
        for name, value in vars(base).items()
        if callable(value) and not name.startswith("__")
    }
    meant = nearest(method, own, cutoff=0.5)
    return f"{text} It has {meant}(): should that be called {method}?" if meant else text


def _check_parameters(
    target: Any, called: str, method: str, parameters: tuple[str, ...], optional: tuple[str, ...]
) -> None:
    signature = signature_of(target)
    counts = range(len(parameters), len(parameters) + len(optional) + 1)
    if signature is None or any(signature.takes(count) for count in counts):
        return
    wanted = ", ".join(parameters) + "".join(f"[, {parameter}]" for parameter in optional)
    text = f"{called}({signature}) has the wrong parameters: it is called with ({wanted})."
    if isinstance(target, MethodType) and target.__func__.__code__.co_varnames[:1] != ("self",):
        text += " Its first parameter must be self."
    elif method in ("map", "filter") and signature.takes(2):
        text += " If the second is a collector, pass it to flat_map()."
    elif method == "flatMap" and signature.takes(1):
        text += " It is given a collector for its results: collector.collect(result)."
    refuse(text)


def _check_life(function: Any, interface: type) -> None:
    """Refuses ``open`` and ``close`` with other parameters than a rich function's; warns where nobody calls them."""
    if isinstance(function, type):
        return
    if interface is not KeySelector and hasattr(function, "setRuntimeContext"):
        for name, parameters in _LIFE.items():
            target = getattr(function, name, None)
            if callable(target):
                _check_parameters(target, f"{label_of(function)}.{name}", name, parameters, ())
    elif getattr(interface, "opened", False):
        return
    elif isinstance(function, interface) and callable(getattr(function, "open", None)):
        if interface is KeySelector:
            text = "as keys are taken in many places: prepare it in __init__"
        else:
            rich = f"Rich{interface.__name__}"
            base = rich if rich in _RICH else f"RichFunction, {interface.__name__}"
            text = f"as only rich functions are opened: derive it from {base}"
        _warn(f"{label_of(function)}.open() is not called, {text}")


def _check_result(target: Any, call: str, method: str) -> bool:
    """Whether a call can only return None. Raises InvalidProgramException if that makes no sense.

    Warns where nobody takes what a call returns.
    """
    word = suspends(target)
    if word:
        _, advice = _COLLECTING.get(method, (0, "return"))
        refuse(f"{call} does nothing when it is called, as there is {word} in it: use {advice}.")
    nothing = returns_nothing(target)
    if nothing and method in _DECISIVE:
        refuse(f"{call} has no return, so its result is always None: give it one.")
    if method in _COLLECTING:
        parameter, collect = _COLLECTING[method]
        if loses_results(target, parameter):
            _warn(f"{call} returns its result, which nobody gets: use {collect}")
    return nothing


def _warn(text: str) -> None:
    import warnings

    at = caller_location()
    warnings.warn_explicit(text, UserWarning, at.file if at else "", at.line if at else 0)


def _has_all(function: Any, methods: dict[str, tuple[str, tuple[str, ...]]], wanted: bool) -> bool:
    if not wanted or isinstance(function, type):
        return False
    for name, (other_name, parameters) in methods.items():
        method = _method(function, name, other_name)
        if method is None:
            *first, last = methods
            call = f"{name}({', '.join(parameters)})"
            refuse(f"{label_of(function)} has no method {call}: {', '.join(first)} and {last} belong together.")
        called = f"{label_of(function)}.{name}"
        _check_parameters(method, called, name, parameters, ())
        _check_result(method, f"{called}({', '.join(parameters)})", name)
    return True


def _method(function: Any, *names: str) -> Any:
    return next((method for name in names if callable(method := getattr(function, name, None))), None)
