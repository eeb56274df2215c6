"""Java starts beside the script, and a script that ends before that leaves nothing of it behind."""

from __future__ import annotations

import os
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from launched import PATIENCE, wait_until

from stream_engine.flink.client import java

if TYPE_CHECKING:
    from pathlib import Path

# As PyFlink's own, as far as it matters.
GATEWAY = """
import os, shutil, tempfile, time
from subprocess import PIPE, Popen

def launch_gateway_server_process(environment, arguments):
    return Popen([os.path.join(os.environ["JAVA_HOME"], "bin", "java")], stdin=PIPE)

def get_gateway():
    directory = tempfile.mkdtemp()
    try:
        told = os.path.join(directory, "port")
        process = launch_gateway_server_process({**os.environ, "_PYFLINK_CONN_INFO_PATH": told}, [])
        while process.poll() is None and not os.path.isfile(told):
            time.sleep(0.01)
        if process.poll() is not None:
            raise RuntimeError("Java gateway process exited before sending its port number")
    finally:
        shutil.rmtree(directory)
"""
# It never says where it listens.
JAVA = """\
#!/bin/sh
echo $$ > "$JAVA_HOME/new"
mv "$JAVA_HOME/new" "$JAVA_HOME/started"
exec sleep 1000
"""
# Whatever this Python is, there is a PyFlink for it.
USABLE = """
from types import SimpleNamespace
from stream_engine.flink.client import java
java.sys = SimpleNamespace(version_info=(3, 11, 7))
"""
BEFORE = f"{USABLE}java.start_java()\n"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With a PyFlink and a Java whose start never ends."""
    site, home, temporary = tmp_path / "site", tmp_path / "java", tmp_path / "tmp"
    temporary.mkdir()
    for path, text in {
        site / "pyflink" / "__init__.py": "",
        site / "pyflink" / "java_gateway.py": GATEWAY,
        site
        / "apache_flink-2.3.0.dist-info"
        / "METADATA": "Metadata-Version: 2.1\nName: apache-flink\nVersion: 2.3.0\n",
        home / "bin" / "java": JAVA,
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (home / "bin" / "java").chmod(0o755)
    paths = os.pathsep.join([str(site), *sys.path])
    return {**os.environ, "PYTHONPATH": paths, "JAVA_HOME": str(home), "TMPDIR": str(temporary)}


def run(source: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", source]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)


def left(environment: dict[str, str]) -> list[str]:
    """What there still is of the start: files, and a process."""
    started = os.path.join(environment["JAVA_HOME"], "started")
    found = os.listdir(environment["TMPDIR"])
    if os.path.exists(started):
        with open(started, encoding="utf-8") as file:
            pid = file.read().strip()
        listed = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True).stdout.strip()
        found += [pid] if listed and listed[0] != "Z" else []
    return found


@pytest.mark.parametrize(
    "script",
    [
        "",
        "raise SystemExit(1)",
        "import os, time\nwhile not os.path.exists(os.environ['JAVA_HOME'] + '/started'): time.sleep(0.01)",
    ],
    ids=["ends at once", "fails at once", "ends when java has begun"],
)
def test_a_script_that_ends_before_java_has_started_leaves_nothing(environment: dict[str, str], script: str) -> None:
    done = run(BEFORE + script, environment)

    assert (done.stdout, done.stderr) == ("", "")
    assert wait_until(lambda: not left(environment))


def test_java_starts_before_the_script_is_loaded(environment: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        dedent("""
            import os
            import time

            while not os.path.exists(os.environ["JAVA_HOME"] + "/started"):
                time.sleep(0.01)

            def main(factory):
                print("Java is there")
        """)
    )
    source = f"{USABLE}import sys\nsys.argv = ['x', '-m', '127.0.0.1:1', {str(script)!r}]\n"

    done = run(f"{source}from pyflink_stream.__main__ import main\nsys.exit(main())", environment)

    assert (done.returncode, done.stdout) == (0, "Java is there\n"), done.stderr


def test_no_signal_to_the_terminal_of_a_script_reaches_its_java(environment: dict[str, str]) -> None:
    started = "os.environ['JAVA_HOME'] + '/started'"
    script = f"""
import os, time
while not os.path.exists({started}):
    time.sleep(0.01)
print(os.getsid(int(open({started}).read())) == os.getsid(0))
"""

    assert run(BEFORE + script, environment).stdout == "False\n"


def test_pyflink_has_nothing_to_say_of_hadoop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_HADOOP", str(tmp_path))
    found: list[dict[str, str]] = [{}, {"HADOOP_CONF_DIR": "/own"}, {"HADOOP_CLASSPATH": "/own/*"}]

    for environment in found:
        java.prepare_java(environment)

    assert [each.get("HADOOP_CONF_DIR") for each in found] == [str(tmp_path), "/own", None]
