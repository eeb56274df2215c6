"""Runs a program and returns its exit status: the script's own, a failure's, or a signal's."""

from __future__ import annotations

import gc
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, NoReturn, cast

from pyflink_stream import console, exit_codes, standard_output
from pyflink_stream.program import NoEntryPoint, Program
from stream_engine.configuration.options import CLUSTER_ADDRESS, REST_PORT, SAVEPOINT_DIRECTORY, STOP_WITH_SAVEPOINT
from stream_engine.job import ClusterUnusable, JobCancelledException
from stream_engine.local.stop_signals import stop_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyflink_stream.imports import ProgramFinder
    from stream_engine.api.environment import PythonStreamExecutionEnvironment
    from stream_engine.api.factory import PythonEnvironmentFactory
    from stream_engine.configuration import Configuration
    from stream_engine.job import Executor
    from stream_engine.local.forkserver.client import ForkServer
    from stream_engine.status import Observer

# Where Flink's REST interface is if nobody says.
_FLINKS_PORT = 8081


def launch(
    program: Program,
    configuration: Configuration,
    server: ForkServer,
    observers: Sequence[Observer] = (),
    full_tracebacks: bool = False,
) -> int:
    """Calls the script's main with a factory of environments that run on ``server``'s workers; returns the status.

    ``observers`` watch the jobs; ``full_tracebacks`` adds the engine's own frames to reports.
    """
    from stream_engine.local.executor import LocalExecutor

    executor = LocalExecutor(server, partial(Program.install, program), observers)
    remote = partial(cluster_executor, program, observers=observers)
    return call_main(program, configuration, executor, full_tracebacks, remote=remote)


def launch_inline(program: Program, configuration: Configuration, full_tracebacks: bool = False) -> int:
    """Does what ``launch`` does without workers: jobs run in this process and thread."""
    from stream_engine.local.inline.executor import InlineExecutor

    return call_main(program, configuration, InlineExecutor(), full_tracebacks)


def launch_on_cluster(
    program: Program, configuration: Configuration, observers: Sequence[Observer] = (), full_tracebacks: bool = False
) -> int:
    """As ``launch``, on the Flink cluster that the configuration names."""
    address = cluster_address(configuration)
    if address is None:
        console.error(f"rest.port: give the port of the Flink cluster at {configuration.get(CLUSTER_ADDRESS)}, or -m")
        return exit_codes.USAGE
    remote = partial(cluster_executor, program, observers=observers)
    return call_main(program, configuration, remote(*address), full_tracebacks, remote=remote)


def cluster_address(configuration: Configuration) -> tuple[str, int] | None:
    """The host and port of the Flink cluster in the configuration; None where no one port is given."""
    ports = configuration.get(REST_PORT) or (_FLINKS_PORT,)
    return (configuration.get(CLUSTER_ADDRESS), ports[0]) if len(ports) == 1 else None


def cluster_executor(
    program: Program, host: str, port: int, jars: Sequence[str] = (), observers: Sequence[Observer] = ()
) -> Executor:
    """Runs jobs of the program on the Flink cluster whose REST interface is there."""
    from pyflink_stream.shipped import ShippedProgram
    from stream_engine.flink.client.cluster import RemoteCluster
    from stream_engine.flink.client.java import start_java
    from stream_engine.flink.executor import FlinkExecutor

    # Beside the script, which is loaded next.
    start_java()
    shipped = ShippedProgram(program)
    return FlinkExecutor(RemoteCluster(f"{host}:{port}", shipped.files, jars), shipped.install, observers)


def call_main(
    program: Program,
    configuration: Configuration,
    executor: Executor,
    full_tracebacks: bool = False,
    call: Callable[[Program, PythonEnvironmentFactory], None] = Program.run,
    remote: Callable[[str, int, Sequence[str]], Executor] | None = None,
) -> int:
    """Calls the script's main, through ``call``, with environments whose jobs ``executor`` runs; returns the status.

    ``remote`` makes the executor where the script asks for a Flink cluster; by default, that runs them there.
    """
    from stream_engine.api.factory import PythonEnvironmentFactory

    finder = None
    factory = PythonEnvironmentFactory(executor, configuration, remote or partial(cluster_executor, program))
    stops = partial(_stop, configuration.get(STOP_WITH_SAVEPOINT))
    for number in stop_signals():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stops)
    if configuration.get(SAVEPOINT_DIRECTORY.key):
        # While a job runs, the engine has a handler of its own.
        signal.signal(signal.SIGUSR1, _refuse_savepoint)
    # What is there by now stays: it need not be looked at again and again.
    gc.freeze()
    gc.enable()
    try:
        finder = program.install()
        call(program, factory)
        _warn_of_unexecuted(factory.environments)
    except SystemExit as exit:
        status = _status(exit)
        if status and finder is not None and not any(environment.executed for environment in factory.environments):
            from pyflink_stream import parameters

            advice = parameters.advice(program, finder, exit)
            if advice:
                console.note("Note", advice)
        return status
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except JobCancelledException as cancelled:
        if cancelled.savepoint:
            from pyflink_stream import lifeline

            lifeline.tell_savepoint(cancelled.savepoint)
            # The script is complete.
            return exit_codes.FINISHED
        status = exit_codes.of_signal(cancelled.signal)
        exit_codes.hold(status)
        return status
    except NoEntryPoint as error:
        console.error(str(error))
        return exit_codes.FAILED
    except ClusterUnusable as error:
        console.error(str(error))
        return exit_codes.USAGE
    except BaseException as error:
        lost = standard_output.status_without_reader(error)
        if lost is not None:
            return lost
        exit_codes.hold(exit_codes.FAILED)
        _report(error, full_tracebacks, program, finder)
        return exit_codes.FAILED
    return exit_codes.FINISHED


def _advice(program: Program, finder: ProgramFinder, error: BaseException) -> str:
    """What to do about an exception that main has raised; empty if nothing is known."""
    if issubclass(type(error), ModuleNotFoundError):
        from pyflink_stream import misplaced
        from pyflink_stream.python2 import renamed_module
        from stream_engine.installation import missing_module

        missing = cast("ModuleNotFoundError", error)
        return misplaced.advice(program, missing.name) or renamed_module(missing) or missing_module(missing)
    from pyflink_stream import parameters

    return parameters.advice(program, finder, error)


def _report(error: BaseException, full_tracebacks: bool, program: Program, finder: ProgramFinder | None) -> None:
    from pyflink_stream import failure

    try:
        advice = "" if finder is None else _advice(program, finder, error)
    except BaseException:
        # The error may have code of its own where Python looks for plain attributes.
        advice = ""
    try:
        console.failure((failure.full_report if full_tracebacks else failure.report)(error, advice))
    except BaseException as inner:
        # Whatever the script does to prevent it, the status is that of a failure.
        console.error(f"{type(error).__name__}, which cannot be reported: {type(inner).__name__}")


def _warn_of_unexecuted(environments: Iterable[PythonStreamExecutionEnvironment]) -> None:
    """Warns of a plan that was built and not executed: otherwise it looks like a job without output."""
    for environment in environments:
        if environment.graph.nodes:
            begun = environment.graph.nodes[0].location
            where = f", begun at {begun}," if begun else ""
            what_to_do = "call execute() on its environment" + (" after it" if environment.executed else "")
            console.warning(f"main() ended with a plan{where} that was not run: {what_to_do}")
            return


def _status(exit: SystemExit) -> int:
    """The status that the interpreter makes of an exit: 0 for None, a number itself, 1 for anything else."""
    if exit.code is None:
        return exit_codes.FINISHED
    if isinstance(exit.code, int):
        return exit.code
    console.plain(str(exit.code))
    return exit_codes.FAILED


def _refuse_savepoint(number: int, frame: object) -> None:
    console.warning("no savepoint was taken, as no job is running")


def _stop(with_savepoint: bool, number: int, frame: object) -> NoReturn:
    if with_savepoint:
        _refuse_savepoint(number, frame)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(exit_codes.of_signal(number))
