"""Methods of other versions of Flink that streams do not have here, and what to use instead."""

from __future__ import annotations

_KEYS = "it needs keys: call key_by(selector) first"
_WINDOWS = "it belongs to windows: call time_window(size) or count_window(size) of a keyed stream first"
_SUM = "use reduce(f), where f(left, right) combines two records into one"
_BOTH = "use union(other) and key_by(selector), then a rich function that tells the records apart and keeps state"
_PROCESS = "use flat_map(f), where f is a RichFlatMapFunction, which may keep state for each key"
_SESSIONS = (
    "use time_window(size) or count_window(size); "
    "for session windows, write a rich function that keeps each key's last time in its state"
)

_REDUCED = ("sum", "min", "max", "min_by", "max_by", "aggregate", "fold")
_WINDOWED = ("window", "window_all", "time_window_all", "count_window_all")
_OF_STREAMS = {
    **dict.fromkeys(("reduce", "time_window", "count_window"), _KEYS),
    **dict.fromkeys(_REDUCED, f"call key_by(selector), then {_SUM}"),
    **dict.fromkeys(("apply", "allowed_lateness", "side_output_late_data"), _WINDOWS),
    **dict.fromkeys(_WINDOWED, f"call key_by(selector), then {_SESSIONS}"),
    **dict.fromkeys(("connect", "join", "co_group", "interval_join"), _BOTH),
    "process": _PROCESS,
    "select": "call split(selector) first, which names the outputs of each record",
    "close_with": "call iterate() first, which begins the loop",
    "partition_custom": "use key_by(selector), which brings records with equal keys together",
    "execute_and_collect": "use output(), or in tests pyflink_stream.testing",
}
_OF_KEYED = {
    **dict.fromkeys(_REDUCED, _SUM),
    **dict.fromkeys(_WINDOWED, _SESSIONS),
}
_OF_WINDOWS = {
    **dict.fromkeys(_REDUCED, _SUM),
    "process": "use apply(f), which calls f(key, window, values, collector)",
    **dict.fromkeys(("trigger", "evictor"), "windows fire at their end, with all of their records"),
}
_WITHOUT_RESULT = "call reduce(f) or apply(f) first, which makes a stream of what is in the windows"


def advice_for_stream(name: str, keyed: bool) -> str:
    """What to use instead of a method ``name``, in any spelling, that streams do not have; empty if unknown."""
    plain = _snake_case(name)
    return (keyed and _OF_KEYED.get(plain)) or _OF_STREAMS.get(plain, "")


def advice_for_windows(name: str, of_streams: bool) -> str:
    """The same for windows; ``of_streams`` when it is a method that streams do have."""
    return _OF_WINDOWS.get(_snake_case(name)) or (_WITHOUT_RESULT if of_streams else "")


def _snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
