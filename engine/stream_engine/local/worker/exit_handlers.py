"""What the interpreter would do at its end. A worker does it itself, as it leaves by ``os._exit``."""

from __future__ import annotations

import atexit
import signal
import threading

from stream_engine.local.deadline import EXIT_GRACE


def run_exit_handlers() -> None:
    """Waits for threads, shuts down executors and calls what was registered with ``atexit``, in Python's order.

    The process ends by SIGALRM when that takes longer than EXIT_GRACE, even where no Python code can run.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM,))
    signal.setitimer(signal.ITIMER_REAL, EXIT_GRACE)
    # As multiprocessing does in its own processes, which leave in the same way.
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]
    atexit._run_exitfuncs()
