"""Says what is wrong with a command line, in the words that were typed. Imported only for that."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from pyflink_stream import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_engine.configuration import ConfigurationError


def show(error: click.ClickException, command: click.Command, own: Sequence[str]) -> None:
    """Says on standard error what is wrong, then the usage. ``own`` are the arguments before the first bare ``-``."""
    if isinstance(error, click.NoSuchOption):
        text, example = _unknown_option(error, command, own)
        console.error(text)
        if example:
            console.plain(f"  {error.ctx.command_path if error.ctx else ''} {example}")
            return
    else:
        console.error(_told(error, command))
    if isinstance(error, click.UsageError) and error.ctx is not None:
        console.plain(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help' for help.")


def told_value(error: ConfigurationError, own: Sequence[str]) -> str:
    """The error about an option's value, with the option as it was typed instead of the key that it sets."""
    if not error.origin.startswith("-"):
        return str(error)
    if error.origin == "-D":
        return f"-D {error.key}={error.value}: give {error.allowed}"
    long = [arg.partition("=")[0] for arg in own if arg.startswith("--parallelism")]
    return f"{long[-1] if long else error.origin} {error.value}: give {error.allowed}"


def _told(error: click.ClickException, command: click.Command) -> str:
    if isinstance(error, click.MissingParameter):
        return "the SCRIPT to run is missing"
    if isinstance(error, click.BadOptionUsage):
        for option in command.params:
            if isinstance(option, click.Option) and error.option_name in option.opts:
                name, value = error.option_name, option.metavar or "|".join(getattr(option.type, "choices", ()))
                return f"{name} takes no value" if option.is_flag else f"{name} needs a value: {name} {value}"
    return error.format_message()


def _unknown_option(error: click.NoSuchOption, command: click.Command, own: Sequence[str]) -> tuple[str, str]:
    """What to say of an unknown option; and what may have been meant, if it follows a script."""
    index = next((index for index, arg in enumerate(own) if arg.startswith(error.option_name)), None)
    typed = error.option_name if index is None else own[index].partition("=")[0]
    hidden = {name for each in command.params if isinstance(each, click.Option) and each.hidden for name in each.opts}
    possible = sorted(set(error.possibilities or ()) - hidden)
    alike = f"; did you mean {' or '.join(possible)}?" if possible else ""
    text = f"{typed} is not an option of pyflink-stream{alike}"
    before, after = own[:index], own[index:]
    if not any(arg.endswith(".py") for arg in before):
        return text, ""
    text += " Otherwise: a" if alike else "; a"
    text += " parameter of the script comes after a bare '-':"
    return text, shlex.join([*before, "-", *after])
