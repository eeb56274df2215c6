"""The process of a run: the fork server first, then the command line, then the script."""

from __future__ import annotations

# Only modules that are loaded already: until main() has set its handlers, Ctrl-C ends an import with a traceback.
import _signal  # pyright: ignore[reportMissingImports]
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import Any, NoReturn

    from pyflink_stream.cli import Request
    from stream_engine.local.forkserver.client import ForkServer
    from stream_engine.status import Observer

_COMPLETION = "_PYFLINK_STREAM_COMPLETE"
# What names a Flink cluster.
_REMOTE = ("-m", "--jobmanager")
# Under --watch another process runs the script.
_WITHOUT_WORKERS = ("--help", "-h", "--version", "--check", "--explain", "--local-debug", "--watch", *_REMOTE)


def main() -> int:
    """Does what ``sys.argv`` says and returns the exit status."""
    # Importing makes no garbage, and looking for some would be a fifth of the time until the script runs.
    gc.disable()
    earlier = _set_handlers(_leave)
    _open_closed_streams()
    try:
        os.getcwd()
    except FileNotFoundError:
        from pyflink_stream import exit_codes

        sys.stderr.write("Error: the working directory is no longer there: change to another\n")
        return exit_codes.USAGE
    status = _run(earlier)
    from pyflink_stream import standard_output

    return standard_output.finish(status)


def _set_handlers(handler: Any) -> dict[int, Any]:
    """Sets a handler for the signals that stop a run, unless they are ignored; returns the earlier handlers."""
    numbers = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)
    handled = [number for number in numbers if _signal.getsignal(number) != _signal.SIG_IGN]
    return {number: _signal.signal(number, handler) for number in handled}


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """Ends this process at once: nothing of the script has run yet."""
    own = sys.argv[1 : sys.argv.index("-")] if "-" in sys.argv[1:] else sys.argv[1:]
    if any(argument.startswith("--stop-with-savepoint") for argument in own):
        os.write(2, b"Warning: no savepoint was taken, as no job is running\n")
    os._exit(128 + number)


def _run(handlers: dict[int, Any]) -> int:
    """Does the work of ``main``. Anything but a run on workers gets back ``handlers`` for the signals that stop it."""
    from pyflink_stream.program import leave_launcher_path

    leave_launcher_path()
    args = sys.argv[1:]
    server = None
    from pyflink_stream import exit_codes

    try:
        # The server gets ready while this process still imports, and before any thread or code of the user's is in it.
        if _names_script(args):
            server = _start_server()
        from pyflink_stream.cli import Watching, parse

        request = parse(args)
        if isinstance(request, int):
            return request
        if server is None:
            for number, handler in handlers.items():
                _signal.signal(number, handler)
        if isinstance(request, Watching):
            gc.enable()
            from pyflink_stream.watch import Watch

            return Watch(args, request.script, request.files).run()
        if request.watcher is not None:
            from pyflink_stream import lifeline

            lifeline.follow(request.watcher, request.configuration)
        if request.explain is not None:
            from pyflink_stream.explain import explain

            return explain(request.program, request.configuration, request.explain, request.full_tracebacks)
        if request.local_debug:
            from pyflink_stream.launcher import launch_inline

            return launch_inline(request.program, request.configuration, request.full_tracebacks)
        if request.remote:
            from pyflink_stream.launcher import launch_on_cluster

            observers = _progress_observers(request)
            return launch_on_cluster(request.program, request.configuration, observers, request.full_tracebacks)
        server = server or _start_server()
        return _launch(request, server)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # Nobody reads the help, the check or the messages any more.
        return exit_codes.of_signal(_signal.SIGPIPE)
    finally:
        if server is not None:
            # Something is being stopped already, and will end soon.
            earlier = _set_handlers(lambda number, frame: None)
            server.close()
            for number, handler in earlier.items():
                _signal.signal(number, handler)


def _launch(request: Request, server: ForkServer) -> int:
    """Prepares all that will watch the jobs, then runs the script on workers."""
    from pyflink_stream import console, exit_codes
    from pyflink_stream.launcher import launch

    observers: list[Observer] = []
    served = None
    if request.serves:
        from pyflink_stream import web

        try:
            served = web.serve(request.configuration, request.ui, opens=not request.again)
        except web.CannotServe as error:
            console.error(str(error))
            return exit_codes.USAGE
        observers.extend(served.observers)
    observers = [*_progress_observers(request), *observers]
    status = launch(request.program, request.configuration, server, observers, request.full_tracebacks)
    if served is not None:
        served.see_out()
    return status


def _progress_observers(request: Request) -> list[Observer]:
    """Who shows jobs on standard error, if anybody does."""
    from pyflink_stream import console

    always = request.progress == "always"
    drawn = request.progress != "never" and console.can_be_drawn_on(shared=always)
    if not (drawn or always or request.verbose):
        return []
    from pyflink_stream.progress import observer

    return [observer(drawn, always)]


def _open_closed_streams() -> None:
    """Opens the standard streams that were closed, so that no file opened later takes their place."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
            setattr(sys, name, open(descriptor, "w" if descriptor else "r", closefd=False))  # noqa: SIM115


def _names_script(args: Sequence[str]) -> bool:
    """Whether the arguments look like a run of a script. A wrong guess only costs time."""
    own = args[: args.index("-")] if "-" in args else args
    runs = all(arg.partition("=")[0] not in _WITHOUT_WORKERS for arg in own)
    return bool(own) and runs and _COMPLETION not in os.environ


def _start_server() -> ForkServer:
    from stream_engine.local.forkserver.client import ForkServer

    return ForkServer.start()


if __name__ == "__main__":
    sys.exit(main())
