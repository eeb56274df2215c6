"""Numbers and times as people read them at a glance."""

from __future__ import annotations

from datetime import datetime


def count(number: float) -> str:
    """A number in at most five columns: ``987``, ``1.23k``, ``45.6M``."""
    for unit in ("", "k", "M", "G", "T"):
        # A number that would be rounded to 1000 belongs to the next unit.
        if number < 999.5:
            return f"{number:.0f}" if not unit else _three_digits(number) + unit
        number /= 1000
    return _three_digits(number) + "P"


def size(number: float) -> str:
    """Bytes, for example ``512 B``, ``1.50 MB``."""
    text = count(number)
    return f"{text} B" if text[-1].isdigit() else f"{text[:-1]} {text[-1]}B"


def duration(seconds: float) -> str:
    """A duration, for example ``0:07``, ``12:30``, ``1:02:03``, ``2 d 03:04``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours:02}:{minutes:02}"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def exact_duration(seconds: float) -> str:
    """A duration, for example ``0.42 s``, ``12.3 s``; from a minute on as ``duration`` has it."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 59.95 else duration(seconds)


def moment(milliseconds: int) -> str:
    """A watermark: the local time of day, with the date unless it is today; small numbers stay as they are."""
    if milliseconds >= 2**63 - 1:
        return "end"
    try:
        time = datetime.fromtimestamp(milliseconds / 1000)
    except (OverflowError, ValueError, OSError):
        return str(milliseconds)
    if time.year < 1980:
        # Not a date, but a number that the script counts in.
        return str(milliseconds)
    return f"{time:%H:%M:%S}" if time.date() == datetime.now().date() else f"{time:%Y-%m-%d %H:%M}"


def _three_digits(number: float) -> str:
    return f"{number:.2f}" if number < 9.995 else f"{number:.1f}" if number < 99.95 else f"{number:.0f}"
