"""Completes the command line in bash, zsh and fish, where its grammar is not one that click knows.

What follows a bare ``-`` is the script's; ``--explain`` takes a value only after ``=``, where bash divides words.
"""

from __future__ import annotations

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from pyflink_stream.arguments import EXPLAIN, SEPARATOR, with_explicit_formats
from stream_engine.configuration import OPTIONS
from stream_engine.configuration.values import Boolean, Choice, Text
from stream_engine.graph.render import FORMATS


def register() -> None:
    """Lets click use these classes for their shells."""
    for shell in (_Bash, _Zsh, _Fish):
        add_completion_class(shell)


def definitions(incomplete: str) -> list[CompletionItem]:
    """Completions of ``-D``: keys with their defaults, or the values of a key."""
    key, equals, _ = incomplete.partition("=")
    if not equals:
        return [_definition(key) for key in sorted(OPTIONS) if key.startswith(incomplete)]
    option = OPTIONS.get(key)
    values = ("false", "true") if option and isinstance(option.type, Boolean) else ()
    if option and isinstance(option.type, Choice):
        values = option.type.words
    return [CompletionItem(f"{key}={value}") for value in values if f"{key}={value}".startswith(incomplete)]


def _definition(key: str) -> CompletionItem:
    option = OPTIONS[key]
    # Only what needs no quotes on a command line.
    default = "" if isinstance(option.type, Text) else option.default.replace(" ", "")
    return CompletionItem(f"{key}={default}", help=option.help)


class _Completion(ShellComplete):
    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        if SEPARATOR in args:
            return [CompletionItem(incomplete, type="file")]
        items = super().get_completions(with_explicit_formats(args), incomplete)
        name, equals, _ = incomplete.partition("=")
        if equals and name.startswith("--"):
            # Click gives the value alone, but the word to be completed has the option, too.
            return [CompletionItem(f"{name}={item.value}", type=item.type, help=item.help) for item in items]
        if any(item.value == EXPLAIN for item in items):
            # A single completion is followed by a blank, and a format after it is hard to tell from a script.
            items += [CompletionItem(f"{EXPLAIN}={form}") for form in FORMATS]
        return items


class _Bash(_Completion, BashComplete):
    """Bash divides words at ``=``, and completes only what follows it."""

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        words: list[str] = []
        for word in (*args, incomplete):
            if words and (word == "=" or words[-1].endswith("=")):
                words[-1] += word
            else:
                words.append(word)
        return words[:-1], words[-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        items = super().get_completions(args, incomplete)
        name, equals, _ = incomplete.partition("=")
        if not equals:
            return items
        return [CompletionItem(item.value.removeprefix(f"{name}="), type=item.type, help=item.help) for item in items]


class _Zsh(_Completion, ZshComplete):
    pass


class _Fish(_Completion, FishComplete):
    pass
