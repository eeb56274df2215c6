"""The process of a run: the fork server first, then the command line, then the script."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pyflink_stream import exit_codes
from pyflink_stream.program import leave_launcher_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflink_stream.cli import Request
    from stream_engine.local.forkserver import ForkServer

_COMPLETION = "_PYFLINK_STREAM_COMPLETE"
_WITHOUT_WORKERS = ("--help", "-h", "--version", "--check", "--explain", "--local-debug")


def main() -> int:
    """Does what ``sys.argv`` says and returns the exit status."""
    leave_launcher_path()
    args = sys.argv[1:]
    server = None
    try:
        # The server gets ready while this process still imports, and before any thread or code of the user's is in it.
        if _names_script(args):
            server = _start_server()
        from pyflink_stream.cli import parse

        request = parse(args)
        if isinstance(request, int):
            return request
        if request.explain is not None:
            from pyflink_stream.explain import explain

            return explain(request.program, request.configuration, request.explain)
        if request.local_debug:
            from pyflink_stream.launcher import launch_inline

            return launch_inline(request.program, request.configuration)
        server = server or _start_server()
        return _launch(request, server)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    finally:
        if server is not None:
            server.close()


def _launch(request: Request, server: ForkServer) -> int:
    """Runs the script on workers; before, all that will watch its jobs gets ready."""
    from pyflink_stream import console, progress, web
    from pyflink_stream.launcher import launch

    try:
        served = web.serve(request.configuration, request.ui)
    except web.CannotServe as error:
        console.error(str(error))
        return exit_codes.USAGE
    observers = [*progress.observers(request.progress), *served.observers]
    status = launch(request.program, request.configuration, server, observers)
    served.see_out()
    return status


def _names_script(args: Sequence[str]) -> bool:
    """Whether the arguments look as if a script were to be run. A wrong guess costs time and nothing else."""
    own = args[: args.index("-")] if "-" in args else args
    runs = all(arg.partition("=")[0] not in _WITHOUT_WORKERS for arg in own)
    return bool(own) and runs and _COMPLETION not in os.environ


def _start_server() -> ForkServer:
    from stream_engine.local.forkserver import ForkServer

    return ForkServer.start()


if __name__ == "__main__":
    sys.exit(main())
