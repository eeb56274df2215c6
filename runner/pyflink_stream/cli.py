"""The command line: ``pyflink-stream [OPTIONS] SCRIPT [PACKAGE ...] [- PARAM ...]``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pyflink_stream import __version__, configuration, console, exit_codes
from pyflink_stream.arguments import EXPLAIN, split, with_explicit_formats
from pyflink_stream.cluster_options import TARGETS, cluster_settings
from pyflink_stream.program import Program, ProgramNotFound
from pyflink_stream.savepoint_options import savepoint_options, savepoint_settings
from stream_engine.configuration import Configuration, ConfigurationError
from stream_engine.configuration.options import DEFAULT_PARALLELISM, METRICS_PORT, REST_PORT, SAVEPOINT_PATH, TARGET
from stream_engine.graph.render import FORMATS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

PROGRAM_NAME = "pyflink-stream"
# Set by a shell that asks how to complete a command line.
COMPLETION = "_PYFLINK_STREAM_COMPLETE"
_PARAMS = f"{__name__}.params"

_HELP = """\
Runs the streaming SCRIPT: imports it and calls its main(factory).

Each PACKAGE - a directory, a .py file, a zip, whl or egg, a data file - becomes importable by its name. What follows
the first bare - is the script's own: its sys.argv[1:].

\b
Examples:
  pyflink-stream examples/word_count.py
  pyflink-stream -p 2 examples/word_count.py - --input README.md
  pyflink-stream -D parallelism.default=auto -D pipeline.object-reuse=true examples/word_count.py
  pyflink-stream --explain -p 2 examples/word_count.py
  pyflink-stream --local-debug examples/word_count.py
  pyflink-stream --target flink -m localhost:8081 examples/word_count.py
  pyflink-stream --check examples/orders.py examples/lib/pricing
  pyflink-stream --watch examples/orders.py examples/lib/pricing
"""


class Request(NamedTuple):
    """What a command line asks for."""

    program: Program
    configuration: Configuration
    full_tracebacks: bool
    # The format in which to show plans instead of running them; None: they are run.
    explain: str | None = None
    local_debug: bool = False
    progress: str = "auto"
    verbose: bool = False
    ui: bool = False
    again: bool = False
    # The descriptor of the lifeline to the watcher, if there is one.
    watcher: int | None = None

    @property
    def serves(self) -> bool:
        """Whether it asks for metrics or a page to be served."""
        return self.ui or any(map(self.configuration.get, (METRICS_PORT, REST_PORT)))

    @property
    def remote(self) -> bool:
        """Whether jobs run on a Flink cluster."""
        return self.configuration.get(TARGET) == "remote"


class Watching(NamedTuple):
    """What ``--watch`` asks for: the script, and the other files that a run of it reads."""

    script: str
    files: list[str]


class _LauncherCommand(click.Command):
    """A command whose parser never sees what follows the first bare ``-``: it is the script's, options included."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own, ctx.meta[_PARAMS] = split(args)
        return super().parse_args(ctx, with_explicit_formats(own))

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[- PARAM ...]"]


class _Word(click.Choice):  # pyright: ignore[reportMissingTypeArgument]
    """A choice of a few words. Its error names the option as it is spelt."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value in self.choices:
            return value
        *others, last = self.choices
        typed = f"{EXPLAIN}={value}" if param is None or param.opts[0] == EXPLAIN else f"{param.opts[0]} {value}"
        raise click.UsageError(f"{typed}: give {', '.join(others)} or {last}", ctx)


def _complete_parallelism(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return [value for value in ("auto",) if value.startswith(incomplete)]


def _complete_definition(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from pyflink_stream.completion import definitions

    return definitions(incomplete)


def _complete_directory(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="dir")]


@click.command(
    cls=_LauncherCommand,
    help=_HELP,
    options_metavar="[OPTIONS]",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "-p",
    "--parallelism",
    metavar="N",
    shell_complete=_complete_parallelism,
    help="Parallel instances of every operator that the script gives no number; auto takes the usable cores.",
)
@click.option(
    "--target",
    type=_Word(list(TARGETS)),
    help="Where jobs run: local, on the cores of this machine, or flink, on an Apache Flink cluster.",
)
@click.option(
    "-m",
    "--jobmanager",
    metavar="HOST:PORT",
    help="The Flink cluster that jobs run on, by the address of its web page.",
)
@click.option("--detached", is_flag=True, help="Leaves when a job was submitted to the Flink cluster.")
@click.option(
    "-D",
    "definitions",
    metavar="KEY=VALUE",
    multiple=True,
    shell_complete=_complete_definition,
    help="Sets an option of flink-conf.yaml for this run. Repeatable; wins over the file.",
)
@click.option(
    "-c",
    "--conf-dir",
    metavar="DIR",
    shell_complete=_complete_directory,
    help="Where flink-conf.yaml is. Otherwise: $FLINK_CONF_DIR, ./conf, or the defaults.",
)
@click.option(
    "--progress",
    "wish",
    type=_Word(["auto", "always", "never"]),
    default="auto",
    help="Shows running jobs on standard error: auto on a terminal, always also elsewhere, a line at a time.",
)
@click.option(
    "--ui",
    is_flag=True,
    help="Shows running jobs on a page for browsers, and opens it where there is a screen.",
)
# Options that --watch gives to its runs: to all, to all but the first, and to those that resume from a savepoint.
@click.option("--watched", "watcher", type=int, hidden=True)
@click.option("--again", is_flag=True, hidden=True)
@click.option("--resume", hidden=True)
@click.option(
    "--check",
    is_flag=True,
    help="Runs nothing: lists what is Python 2 in the script and in packages that are source, and how Python 3 has it.",
)
@click.option(
    EXPLAIN,
    type=_Word(FORMATS),
    metavar="[=FORMAT]",
    help=f"Calls main, but shows plans instead of running them: as {', '.join(FORMATS[:-1])} or {FORMATS[-1]}.",
)
@click.option(
    "--local-debug",
    is_flag=True,
    help="Runs jobs in the script's own process and thread, so that breakpoint() and debuggers work in functions.",
)
@savepoint_options(_complete_directory)
@click.option(
    "--watch",
    is_flag=True,
    help="Runs the script again whenever it, a package or the configuration file changes, until Ctrl-C.",
)
@click.option("-v", "--verbose", count=True, help="Logs what happens to standard error; -vv also details.")
@click.option("--log-file", metavar="FILE", help="Appends the log to FILE; standard error then gets warnings only.")
@click.option(
    "--traceback",
    type=_Word(["user", "full"]),
    default="user",
    help="What a report of an error shows: the script's own lines, or also those of the engine and the launcher.",
)
@click.version_option(__version__, prog_name=PROGRAM_NAME, message="%(prog)s %(version)s")
@click.argument("script", type=click.Path())
@click.argument("packages", metavar="[PACKAGE ...]", nargs=-1, type=click.Path())
@click.pass_context
def command(
    ctx: click.Context,
    parallelism: str | None,
    target: str | None,
    jobmanager: str | None,
    detached: bool,
    definitions: tuple[str, ...],
    conf_dir: str | None,
    wish: str,
    ui: bool,
    watcher: int | None,
    again: bool,
    resume: str | None,
    check: bool,
    explain: str | None,
    local_debug: bool,
    watch: bool,
    verbose: int,
    log_file: str | None,
    traceback: str,
    script: str,
    packages: Sequence[str],
) -> Request | Watching | int:
    if any("://" in path or path.startswith("file:") for path in (script, *packages)):
        if watch:
            raise click.UsageError("--watch sees changes of files of this machine only: give paths, not URLs", ctx)
        from pyflink_stream.downloads import local_copies

        options, _ = configuration.load(configuration.find(conf_dir).file, map(_definition, definitions))
        script, *packages = local_copies((script, *packages), options)
    program = Program(script, packages, ctx.meta[_PARAMS])
    modes = [name for name, given in (("--check", check), (EXPLAIN, explain), ("--local-debug", local_debug)) if given]
    if len(modes) > 1:
        raise click.UsageError(f"{' and '.join(modes)} exclude each other: give one of them", ctx)
    if modes and ui:
        raise click.UsageError(f"{modes[0]} runs no workers that --ui could show: give one of them", ctx)
    if check:
        if watch:
            raise click.UsageError("--check runs nothing, so there is nothing to --watch", ctx)
        return _check(script, packages, program)
    source = configuration.find(conf_dir)
    if watch:
        return Watching(script, [*program.packages, *([source.file] if source.file else ())])
    savepoints = savepoint_settings(ctx)
    if local_debug and savepoints:
        raise click.UsageError(f"--local-debug takes no checkpoints, so {savepoints[0].origin} has no effect", ctx)
    settings = [*map(_definition, definitions), *savepoints, *cluster_settings(target, jobmanager, detached)]
    if parallelism is not None:
        settings.append(configuration.Setting(DEFAULT_PARALLELISM.key, parallelism, "-p"))
    if resume is not None:
        settings.append(configuration.Setting(SAVEPOINT_PATH.key, resume, "--watch"))
    merged, warnings = configuration.load(source.file, settings)
    if merged.get(TARGET) == "remote":
        # Keys that are not ours are Flink's.
        warnings = []
        if ui:
            raise click.UsageError("--ui is for jobs on this machine: the Flink cluster has a page of its own", ctx)
        if local_debug:
            raise click.UsageError("--local-debug runs jobs in this process: leave out --target flink", ctx)
    elif detached:
        raise click.UsageError("--detached is for jobs on a Flink cluster: add --target flink", ctx)
    for warning in (source.remark, *warnings):
        if warning:
            console.warning(warning)
    if verbose or log_file is not None:
        _log(verbose, log_file, program, source)
    return Request(program, merged, traceback == "full", explain, local_debug, wish, bool(verbose), ui, again, watcher)


def parse(args: Sequence[str]) -> Request | Watching | int:
    """What the arguments ask for; or the exit status, if there is nothing to run (help, a check, a wrong argument)."""
    if COMPLETION in os.environ:
        from pyflink_stream import completion

        completion.register()
    try:
        return command.main(list(args), prog_name=PROGRAM_NAME, standalone_mode=False)
    except click.Abort:
        return exit_codes.INTERRUPTED
    except click.ClickException as error:
        from pyflink_stream import usage

        with console.to_whom_it_reaches():
            usage.show(error, command, split(args)[0])
        return error.exit_code
    except ConfigurationError as error:
        from pyflink_stream import usage

        console.error(usage.told_value(error, split(args)[0]))
        return exit_codes.USAGE
    except (ProgramNotFound, configuration.ConfigurationFileError) as error:
        console.error(str(error))
        return exit_codes.USAGE
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is not None:
            raise
        # The help, the version or the check: the disk is full, for example.
        from stream_engine.local.output import forget

        forget(sys.stdout)
        console.error(f"standard output cannot be written to: {error.strerror}")
        return exit_codes.FAILED


def _check(script: str, packages: Sequence[str], program: Program) -> int:
    from pyflink_stream.check import run_check

    paths = [script]
    for given, found in zip(packages, program.packages, strict=True):
        if os.path.isdir(found) or found.endswith(".py"):
            # Shown as people wrote it, unless it was found beside the script.
            paths.append(given if os.path.exists(given) else found)
    try:
        return run_check(paths, sys.stdout)
    except OSError as error:
        if error.filename is None:
            # Standard output.
            raise
        console.error(f"{error.filename}: cannot be read: {error.strerror}")
        return exit_codes.USAGE


def _log(verbosity: int, file: str | None, program: Program, source: configuration.Source) -> None:
    from pyflink_stream import logs

    try:
        logs.configure(verbosity, file)
    except logs.LogFileError as error:
        raise click.UsageError(str(error)) from None
    logs.debug("Script %s, packages: %s", program.script, ", ".join(program.packages) or "none")
    logs.debug("Configuration: %s", source)


def _definition(text: str) -> configuration.Setting:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise click.UsageError(f"-D {text}: give KEY=VALUE")
    return configuration.Setting(key.strip(), value.strip(), "-D")
