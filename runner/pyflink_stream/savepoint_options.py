"""The options for savepoints. Each sets one or two keys of the configuration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from pyflink_stream.configuration import Setting
from stream_engine.configuration.options import (
    IGNORE_UNCLAIMED_STATE,
    SAVEPOINT_DIRECTORY,
    SAVEPOINT_PATH,
    STOP_WITH_SAVEPOINT,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_SETTINGS = f"{__name__}.settings"


def savepoint_settings(ctx: click.Context) -> list[Setting]:
    """The settings that the options of a command line have made."""
    return ctx.meta.get(_SETTINGS, [])


def savepoint_options(complete_directory: Callable[..., Any]) -> Callable[[Any], Any]:
    """Decorates a command with the options."""
    options = (
        click.option(
            "-s",
            "--from-savepoint",
            metavar="PATH",
            expose_value=False,
            callback=_path,
            shell_complete=complete_directory,
            help="The savepoint or checkpoint that the script's first job resumes from.",
        ),
        click.option(
            "--allow-non-restored-state",
            is_flag=True,
            expose_value=False,
            callback=_leniency,
            help="Resumes from a savepoint even if it holds state for operators that the script no longer has.",
        ),
        click.option(
            "--savepoint",
            metavar="DIR",
            expose_value=False,
            callback=_directory,
            shell_complete=complete_directory,
            help="On SIGUSR1 the running job takes a savepoint in DIR, and continues.",
        ),
        click.option(
            "--stop-with-savepoint",
            metavar="DIR",
            expose_value=False,
            callback=_stop_directory,
            shell_complete=complete_directory,
            help="On SIGINT, SIGTERM or SIGHUP the running job takes a savepoint in DIR before it ends.",
        ),
    )

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _path(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    from stream_engine.connectors.filesystem import is_url, resolve

    # A store is asked later, once its options are known.
    if value.lower().startswith("file:") or not is_url(value):
        try:
            _, path = resolve(value)
        except ValueError as error:
            raise click.UsageError(f"-s: {error}", ctx) from None
        if not os.path.exists(path):
            raise click.UsageError(f"-s {value}: no such savepoint or checkpoint", ctx)
    _set(ctx, SAVEPOINT_PATH.key, value, "-s")


def _leniency(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        _set(ctx, IGNORE_UNCLAIMED_STATE.key, "true", parameter.opts[0])


def _directory(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    if not value:
        # As of an empty variable of the shell: it would count as no directory, and the signal would end the job.
        raise click.UsageError(f"{parameter.opts[0]} '': give a directory", ctx)
    others = [each for each in savepoint_settings(ctx) if each.key == SAVEPOINT_DIRECTORY.key and each.value != value]
    if others:
        raise click.UsageError(f"{others[0].origin} and {parameter.opts[0]} must name the same directory", ctx)
    _set(ctx, SAVEPOINT_DIRECTORY.key, value, parameter.opts[0])


def _stop_directory(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        _directory(ctx, parameter, value)
        _set(ctx, STOP_WITH_SAVEPOINT.key, "true", parameter.opts[0])


def _set(ctx: click.Context, key: str, value: str, origin: str) -> None:
    ctx.meta.setdefault(_SETTINGS, []).append(Setting(key, value, origin))
