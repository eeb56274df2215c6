"""The client's Java, through which PyFlink submits jobs: whether it can be had, and its start beside other work."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from stream_engine import logs
from stream_engine.installation import extra
from stream_engine.job import ClusterUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

PACKAGE = "apache-flink"
_OLDEST = 11
_ADVICE = (
    "install Java 17 (on Debian and Ubuntu: apt install openjdk-17-jre-headless), and name its directory in JAVA_HOME "
    "if there is another one"
)
# The client's Java does little, once: it is to start soon, and to leave the processors alone. Other options win.
_OPTIONS = "-XX:+IgnoreUnrecognizedVMOptions -XX:TieredStopAtLevel=1 -XX:-UsePerfData"
# What PyFlink takes by itself, and then says so on standard output.
_HADOOP = "/etc/hadoop/conf"
# How long, in seconds, the end of this process waits for a start that it has given up.
_PATIENCE = 5.0
_lock = Lock()
_start: _Start | None = None


def check_client() -> None:
    """Raises ClusterUnusable where this machine lacks what PyFlink needs in order to submit a job."""
    if sys.version_info >= (3, 13):
        raise ClusterUnusable(
            f"{PACKAGE} has no version for Python {sys.version_info[0]}.{sys.version_info[1]}: run this with Python "
            "3.10, 3.11 or 3.12."
        )
    try:
        version(PACKAGE)
    except PackageNotFoundError:
        raise ClusterUnusable(f"A Flink cluster is reached with {PACKAGE}: run {extra('flink')}.") from None
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java")
    if java is None or not os.access(java, os.X_OK):
        where = f"JAVA_HOME is {home}, where there is no bin/java" if home else "there is no java"
        raise ClusterUnusable(f"A Flink cluster is reached with Java, but {where}: {_ADVICE}.")
    release = release_of(java)
    if release is not None and release < _OLDEST:
        raise ClusterUnusable(
            f"A Flink cluster is reached with Java {_OLDEST} or later, and {java} is Java {release}: {_ADVICE}."
        )


def release_of(java: str) -> int | None:
    """Of which release ``java``, an executable, is, such as 17; None where no file beside it says so."""
    home = os.path.dirname(os.path.dirname(os.path.realpath(java)))
    # That of Java 8 may be below the directory that has the file.
    for directory in (home, os.path.dirname(home)):
        try:
            with open(os.path.join(directory, "release"), encoding="utf-8", errors="replace") as file:
                found = re.search(r'^JAVA_VERSION="?(?:1\.)?(\d+)', file.read(), re.MULTILINE)
        except OSError:
            continue
        if found is not None:
            return int(found[1])
    return None


def prepare_java(environment: MutableMapping[str, str]) -> None:
    """Sets the variables that the client's Java starts with, those of its user aside."""
    if not environment.get("JAVA_HOME"):
        # One that is set, but empty, would be taken for a directory.
        environment.pop("JAVA_HOME", None)
    options = environment.get("JVM_ARGS", "")
    if not options.startswith(_OPTIONS):
        environment["JVM_ARGS"] = f"{_OPTIONS} {options}".rstrip()
    if "HADOOP_CLASSPATH" not in environment and os.path.isdir(_HADOOP):
        environment.setdefault("HADOOP_CONF_DIR", _HADOOP)


def start_java() -> None:
    """Lets Java start beside what comes next, as that takes seconds; once, and only where it can.

    Whoever needs it first waits for it, and is told what went wrong.
    """
    global _start
    try:
        check_client()
    except ClusterUnusable:
        # Which is said when a job is to run.
        return
    with _lock:
        if _start is None:
            prepare_java(os.environ)
            _start = _Start()
            _start.thread.start()


class _Start:
    """The start of Java, which ends with this process."""

    def __init__(self) -> None:
        self.thread = Thread(target=self._run, name="java", daemon=True)
        self._given_up = False
        self._process: Any = None
        # There until Java has said where it listens.
        self._place = ""
        self._pid = os.getpid()
        atexit.register(self._give_up)

    def _run(self) -> None:
        try:
            from pyflink import java_gateway  # pyright: ignore[reportMissingModuleSource]

            gateway: Any = java_gateway
            server: Any = import_module(gateway.launch_gateway_server_process.__module__)
            # Signals to all processes of a terminal, or of timeout(1), are for this one, which needs Java to the last.
            server.Popen = partial(server.Popen, start_new_session=True)
            gateway.launch_gateway_server_process = self._launching(gateway.launch_gateway_server_process)
            if not self._given_up:
                gateway.get_gateway()
        except Exception as error:
            logs.debug("Java does not start: %s", error)

    def _launching(self, launch: Callable[..., Any]) -> Callable[..., Any]:
        def launched(environment: dict[str, str], arguments: list[str]) -> Any:
            with _lock:
                if self._given_up:
                    raise RuntimeError("this process ends")
                self._place = os.path.dirname(environment["_PYFLINK_CONN_INFO_PATH"])
                self._process = launch(environment, arguments)
            return self._process

        return launched

    def _give_up(self) -> None:
        """A script that has ended does not wait for Java, and leaves nothing behind."""
        if os.getpid() != self._pid:
            return
        with _lock:
            self._given_up = True
            if self._process is not None and os.path.isdir(self._place):
                self._process.terminate()
        # It removes its directory then.
        self.thread.join(_PATIENCE)
