"""The live view of a job: a row for each task, and how far its bounded sources have come."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from pyflink_stream.progress import texts
from pyflink_stream.progress.layout import Line, bar, cut, fitted, padded
from stream_engine.report import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflink_stream.progress.rates import Rate, Rates
    from stream_engine.status import JobStatus, TaskStatus

# Also at the right: some terminals erase what is written into the last column with the rest of the row.
_MARGIN = 1
_GAP = 2
# If names would have fewer columns than these, other columns give way.
_NAME_LEAST, _NAME_WISHED = 15, 27
_DIM = "bright_black"
_STATES = {"RUNNING": "bold green", "FINISHED": "bold green", "CANCELED": "bold yellow"}
_SOURCES = 4


class _Column(NamedTuple):
    """``weight`` says how long a column stays as the terminal becomes narrower."""

    title: str
    width: int
    weight: int


_PARALLELISM = _Column("×", 4, 2)
_IN = _Column("in", 5, 4)
_OUT = _Column("out", 5, 3)
_RATE = _Column("rec/s", 5, 6)
_BUSY = _Column("busy", 10, 5)
_BACKPRESSURE = _Column("backpr.", 10, 1)
_WATERMARK = _Column("watermark", 16, 0)
_LEFT = (_BUSY, _BACKPRESSURE, _WATERMARK)


def view(status: JobStatus, rates: Rates, long_rates: Rates, size: tuple[int, int]) -> list[Line]:
    """The lines that fit into ``size``, in columns and rows; the time left is computed from ``long_rates``."""
    columns, rows = size
    columns -= 2 * _MARGIN
    sources = _sources(status, long_rates, columns, min(_SOURCES, max(1, rows // 6)))
    below = [*sources, *_checkpoints(status)]
    # The cursor has a row of its own.
    room = rows - 1 - len(below) - 2
    table = _table(status, rates, columns, max(1, room))
    lines = [_header(status, columns), *table, *below]
    return [cut([(" " * _MARGIN, ""), *line], columns + _MARGIN) for line in lines[: rows - 1]]


def _header(status: JobStatus, columns: int) -> Line:
    line: Line = [
        ("  ", ""),
        (status.state.lower(), _STATES.get(status.state, "bold red")),
        (f"  {texts.duration((status.time - status.started) / 1000)}", ""),
    ]
    if status.restarts:
        line.append((f"  restarted {status.restarts}×", "red"))
    room = columns - sum(cell_len(text) for text, _ in line)
    return [(fitted(one_line(status.name), max(_NAME_LEAST, room)), "bold"), *line]


# --- tasks -----------------------------------------------------------------------------------------------------------


def _table(status: JobStatus, rates: Rates, columns: int, rows: int) -> list[Line]:
    watermarks = any(task.watermark is not None for task in status.tasks)
    shown = _shown_columns(columns, watermarks)
    used = sum(column.width + _GAP for column in shown)
    tasks = status.tasks if len(status.tasks) <= rows else _foremost(status.tasks, rates, rows - 1)
    names = [_name(task, columns - used) for task in tasks]
    name_width = max(map(cell_len, ("task", *names)))
    titles = "".join(" " * _GAP + padded(column.title, column.width, column not in _LEFT) for column in shown)
    lines: list[Line] = [[(padded("task", name_width) + titles, _DIM)]]
    for task, name in zip(tasks, names, strict=True):
        cells = (_cell(column, task, rates.task(task.id)) for column in shown)
        piece = (padded(name, name_width), _DIM if task.finished else "")
        lines.append([piece, *(piece for cell in cells for piece in ((" " * _GAP, ""), *cell))])
    if len(tasks) < len(status.tasks):
        lines.append([(f"… and {len(status.tasks) - len(tasks)} more tasks", _DIM)])
    return lines


def _foremost(tasks: Sequence[TaskStatus], rates: Rates, number: int) -> list[TaskStatus]:
    """The running tasks, the busiest of them if there are too many; in the plan's order."""
    # Rounded to a tenth, so that the choice does not flicker.
    by_weight = sorted(tasks, key=lambda task: (task.finished, -round(rates.task(task.id).busy, 1)))
    return sorted(by_weight[:number], key=lambda task: task.id)


def _shown_columns(columns: int, watermarks: bool) -> list[_Column]:
    shown = [_PARALLELISM, _IN, _OUT, _RATE, _BUSY, _BACKPRESSURE, *([_WATERMARK] if watermarks else [])]
    while shown and columns - sum(column.width + _GAP for column in shown) < _least_name(shown):
        shown.remove(min(shown, key=lambda column: column.weight))
    return shown


def _least_name(shown: Sequence[_Column]) -> int:
    # Columns that are merely nice to have must leave names more room than columns that are needed.
    return _NAME_WISHED if any(column.weight < _PARALLELISM.weight for column in shown) else _NAME_LEAST


def _cell(column: _Column, task: TaskStatus, rate: Rate) -> Line:
    if column is _BUSY and task.finished:
        return [(padded("done", column.width), _DIM)]
    if column is _BUSY:
        return _share(rate.busy, column.width, "green" if rate.busy < 0.7 else "yellow" if rate.busy < 0.9 else "red")
    if column is _BACKPRESSURE:
        colour = "yellow" if rate.backpressured < 0.5 else "magenta"
        return _share(rate.backpressured, column.width, colour) if not task.finished else [(" " * column.width, "")]
    if column is _WATERMARK:
        return [(padded("" if task.watermark is None else texts.moment(task.watermark), column.width), "")]
    text = {
        _PARALLELISM: f"×{task.parallelism}",
        _IN: texts.count(task.records_in),
        _OUT: texts.count(task.records_out + task.records_written),
        _RATE: "" if task.finished else texts.count(rate.records_in),
    }[column]
    return [(padded(text, column.width, right=True), _DIM if task.finished or column is _PARALLELISM else "")]


def _share(share: float, columns: int, colour: str) -> Line:
    percent = f"{share * 100:.0f}%"
    return [(bar(share, columns - 5), colour), (percent.rjust(5), _DIM if share < 0.005 else "")]


def _name(task: TaskStatus, columns: int) -> str:
    """The operators' names; if they are too long, shortened, and then without those in the middle."""
    operators = [one_line(operator) for operator in task.operators]
    if cell_len(" → ".join(operators)) <= columns:
        return " → ".join(operators)
    operators = [_short(operator) for operator in operators]
    if len(operators) > 2 and cell_len(" → ".join(operators)) > columns:
        while len(operators) > 2 and cell_len(" → ".join([*operators[:-1], "…", operators[-1]])) > columns:
            del operators[-2]
        operators.insert(-1, "…")
    return fitted(" → ".join(operators), columns)


def _short(operator: str) -> str:
    """``Flat Map: Tokenizer`` is Tokenizer, ``Map: <lambda>`` is Map, ``Source: /a/b.txt`` is b.txt."""
    kind, colon, label = operator.partition(": ")
    if not colon or label.startswith("<"):
        return kind
    if label == "output()":
        return "output"
    return (os.path.basename(label) if "/" in label else label) or label


# --- sources and checkpoints -----------------------------------------------------------------------------------------


def _sources(status: JobStatus, rates: Rates, columns: int, most: int) -> list[Line]:
    bounded = [task for task in status.tasks if not task.finished and task.progress and task.progress.total]
    width = max((cell_len(_source_name(task)) for task in bounded), default=0)
    lines = [_source(task, rates, min(width, columns // 3), columns) for task in bounded[:most]]
    # Endless ones that know how far they are behind.
    behind = [task for task in status.tasks if not task.finished and task.lag is not None][: most - len(lines)]
    lines += [
        [(f"{_source_name(task)}: ", ""), (f"{texts.count(task.lag or 0)} records behind", _DIM)] for task in behind
    ]
    if len(bounded) > most:
        lines.append([(f"… and {len(bounded) - most} more sources", _DIM)])
    return lines


def _source_name(task: TaskStatus) -> str:
    return _short(one_line(task.operators[0]))


def _source(task: TaskStatus, rates: Rates, name_width: int, columns: int) -> Line:
    progress = task.progress
    assert progress is not None
    show = texts.size if progress.unit == "bytes" else texts.count
    share = progress.done / progress.total
    left = rates.seconds_left(task.id)
    amount = f"{show(progress.done)} of {show(progress.total)}".rjust(20)
    # Pieces in the order of their importance, of constant width, so that the bar keeps its length.
    time_left = "" if left is None else f"{texts.duration(left)} left"
    pieces = [f"{int(share * 100):3}%", time_left.rjust(12), amount]
    room = columns - name_width - _GAP
    while pieces and room - sum(len(piece) + _GAP for piece in pieces) < 10:
        pieces.pop()
    length = max(0, min(40, room - sum(len(piece) + _GAP for piece in pieces)))
    filled = int(share * length)
    line: Line = [(padded(_source_name(task), name_width), ""), (" " * _GAP, "")]
    line += [("━" * filled, "green"), ("─" * (length - filled), _DIM)]
    return line + [(" " * _GAP + piece, _DIM if piece is amount else "") for piece in pieces]


def _checkpoints(status: JobStatus) -> list[Line]:
    completed = [each for each in status.checkpoints if each.state == "COMPLETED"]
    if not status.checkpoints:
        return []
    count, failed = status.completed_checkpoints, status.failed_checkpoints
    line: Line = [(f"{count:,} {'checkpoint' if count == 1 else 'checkpoints'}", "")]
    if completed:
        last = completed[-1]
        ended = last.started + (last.duration or 0)
        ago = texts.duration((status.time - ended) / 1000)
        took = texts.exact_duration((last.duration or 0) / 1000)
        line.append((f", the last {ago} ago: {texts.size(last.size or 0)} in {took}", _DIM))
    if failed:
        line.append((f", {failed:,} failed", "red"))
    pending = [each for each in status.checkpoints if each.state == "IN_PROGRESS"]
    if pending:
        since = texts.exact_duration((status.time - pending[-1].started) / 1000)
        line.append((f", one in progress for {since}", _DIM))
    return [line]
