"""--explain: calls the script's main, and at each execute() shows the plan instead of running it."""

from __future__ import annotations

import signal
import sys
from contextlib import redirect_stdout
from io import TextIOWrapper
from typing import TYPE_CHECKING
from uuid import uuid4

from pyflink_stream import console
from pyflink_stream.launcher import call_main
from stream_engine.configuration.options import DEFAULT_PARALLELISM, TARGET
from stream_engine.failures.failure import text_of
from stream_engine.graph.checks import check_runnable
from stream_engine.graph.job_graph import job_graph
from stream_engine.graph.render import render
from stream_engine.job import ClusterUnusable, InvalidProgramException, JobCancelledException, JobExecutionResult
from stream_engine.local.output import forget

if TYPE_CHECKING:
    from typing import Any, TextIO

    from pyflink_stream.program import Program
    from stream_engine.configuration import Configuration
    from stream_engine.graph.stream_graph import StreamGraph


class PlanPrinter:
    """An Executor that writes plans to ``out``, an empty line between two. Its jobs have no results."""

    def __init__(self, form: str, out: TextIO) -> None:
        self.printed = 0
        self._form = form
        self._out = out

    def execute(self, graph: StreamGraph, configuration: Configuration, job_name: str) -> JobExecutionResult:
        return self.show(graph, configuration, job_name, configuration.get(TARGET) == "remote")

    def show(self, graph: StreamGraph, configuration: Configuration, job_name: str, remote: bool) -> JobExecutionResult:
        """Writes a plan; one that is ``remote`` is to run on a Flink cluster."""
        plan = job_graph(graph, configuration.get(DEFAULT_PARALLELISM))
        check_runnable(plan)
        if remote:
            from stream_engine.flink.client.refusals import check_possible

            check_possible(plan, configuration)
        separator = "\n" if self.printed else ""
        job_id = uuid4().hex
        try:
            self._out.write(f"{separator}{render(plan, job_name, self._form, remote)}\n")
            self._out.flush()
        except BrokenPipeError:
            # Ends like a job whose output nobody reads any more.
            forget(self._out)
            raise JobCancelledException("The plan's reader is gone.", job_id, signal.SIGPIPE) from None
        self.printed += 1
        return JobExecutionResult(job_id, job_name, 0, {})


class RemotePlanPrinter:
    """``printer`` for the plans of jobs that a script sends to a Flink cluster."""

    def __init__(self, printer: PlanPrinter) -> None:
        self._printer = printer

    def execute(self, graph: StreamGraph, configuration: Configuration, job_name: str) -> JobExecutionResult:
        return self._printer.show(graph, configuration, job_name, remote=True)


def explain(program: Program, configuration: Configuration, form: str, full_tracebacks: bool = False) -> int:
    """Shows the program's plans on standard output, which has nothing else; returns the exit status.

    What main itself prints goes to standard error. If it raises after a plan was shown, that is no failure: it may have
    missed the result of a job.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        # The terminal may lack characters for the lines between boxes, or for a function's name.
        sys.stdout.reconfigure(errors="replace")
    printer = PlanPrinter(form, sys.stdout)

    def call(program: Program, factory: Any) -> None:
        try:
            program.run(factory)
        except (ClusterUnusable, InvalidProgramException, JobCancelledException):
            raise
        except Exception as error:
            if not printer.printed:
                raise
            from pyflink_stream import failure

            console.warning(
                f"main() failed after an execute(), which runs nothing here. The plans before it are complete.\n"
                f"{text_of(failure.report(error))}"
            )

    with redirect_stdout(sys.stderr):
        return call_main(program, configuration, printer, full_tracebacks, call, lambda *_: RemotePlanPrinter(printer))
