"""A real HDFS: a NameNode and a DataNode, which can be stopped and started again.

By itself, ``hdfs_server.py [PORT]``, it runs one until Ctrl-C, in a temporary directory, and prints its URL.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from maven import jars
from servers import PATIENCE, Server, free_ports, listens

_ARTIFACT = "org.apache.hadoop:hadoop-client-minicluster:3.5.0"
_NAME_NODE = "org.apache.hadoop.hdfs.server.namenode.NameNode"
_DATA_NODE = "org.apache.hadoop.hdfs.server.datanode.DataNode"
_JAVA = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
# Whether there is a DataNode, and the NameNode lets itself be written to: another process, as a client is not to be
# taken through a fork.
_PROBE = """
import sys, fsspec
system = fsspec.filesystem("hdfs", host="127.0.0.1", port=int(sys.argv[1]))
with system.open("/probe", "wb") as file:
    file.write(b"probe")
system.rm("/probe")
"""


class Hdfs:
    """Runs while the context lasts; ``url`` is that of its root, without a slash at its end."""

    def __init__(self, directory: Path, python: str = sys.executable, port: int = 0) -> None:
        """``python`` is one with the extra hdfs; without a ``port`` the NameNode takes any that is free."""
        self._directory = directory
        self._python = python
        free, *ports = free_ports(5)
        self.port = port or free
        self.url = f"hdfs://127.0.0.1:{self.port}"
        self._configure(*ports)
        self._java = [*_JAVA, "-cp", f"{directory / 'conf'}:{jars(_ARTIFACT)}/*"]
        self._name_node = Server([*self._java, _NAME_NODE], directory / "namenode.log")
        self._data_node = Server([*self._java, _DATA_NODE], directory / "datanode.log")

    def __enter__(self) -> Hdfs:
        subprocess.run(
            [*self._java, _NAME_NODE, "-format", "-force"], check=True, capture_output=True, timeout=PATIENCE
        )
        try:
            self.start_name_node()
            self._data_node.start(lambda: True)
            self.wait_until_writable()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._data_node.kill()
        self._name_node.kill()

    def start_name_node(self) -> None:
        self._name_node.start(lambda: listens(self.port))

    def wait_until_writable(self) -> None:
        """A NameNode that was started cannot be written to before the DataNode has told it what it has."""
        self._data_node.wait_until(self._is_writable)

    def kill_name_node(self) -> None:
        self._name_node.kill()

    def _is_writable(self) -> bool:
        try:
            done = subprocess.run([self._python, "-c", _PROBE, str(self.port)], capture_output=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def _configure(self, http: int, data: int, ipc: int, data_http: int) -> None:
        self._write("core-site.xml", {"fs.defaultFS": self.url})
        self._write(
            "hdfs-site.xml",
            {
                "dfs.replication": "1",
                "dfs.namenode.name.dir": f"file://{self._directory}/name",
                "dfs.datanode.data.dir": f"file://{self._directory}/data",
                "dfs.namenode.http-address": f"127.0.0.1:{http}",
                "dfs.datanode.address": f"127.0.0.1:{data}",
                "dfs.datanode.ipc.address": f"127.0.0.1:{ipc}",
                "dfs.datanode.http.address": f"127.0.0.1:{data_http}",
                "dfs.namenode.safemode.extension": "0",
                # Blocks that many splits and part files cross.
                "dfs.namenode.fs-limits.min-block-size": "1024",
                "dfs.heartbeat.interval": "1",
                "dfs.permissions.enabled": "false",
            },
        )

    def _write(self, name: str, properties: dict[str, str]) -> None:
        (self._directory / "conf").mkdir(exist_ok=True)
        lines = [f"<property><name>{key}</name><value>{value}</value></property>" for key, value in properties.items()]
        text = "\n".join(["<configuration>", *lines, "</configuration>", ""])
        (self._directory / "conf" / name).write_text(text, encoding="utf-8")


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    # So that the servers are ended, too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        with TemporaryDirectory() as directory, Hdfs(Path(directory), port=port) as running:
            print(running.url, flush=True)
            # Until a signal comes.
            Event().wait()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
