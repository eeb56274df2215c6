"""HDFS and S3 as tests use them: URLs in a directory of their own, options of the command, contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import fsspec
from s3 import CREDENTIALS

if TYPE_CHECKING:
    from hdfs_server import Hdfs
    from s3 import S3


class Store:
    """A new directory of a store; ``options`` are what the command needs in order to use it."""

    def __init__(self, name: str, url: str, system: Any, options: list[str], environment: dict[str, Any]) -> None:
        self.name = name
        self._url = f"{url}/{uuid4().hex}"
        self._system = system
        self.options = options
        # Of a type that fits whatever else the command takes.
        self.environment: dict[str, Any] = {**environment}

    def url(self, name: str) -> str:
        return f"{self._url}/{name}"

    def put(self, name: str, data: bytes) -> str:
        """Gives the URL of the new file."""
        self._system.pipe_file(self._inner(name), data)
        return self.url(name)

    def files(self, name: str) -> list[str]:
        """The names of the files at or below ``name``, hidden ones too."""
        return sorted(path.rpartition("/")[2] for path in self._found(name))

    def lines(self, name: str) -> list[str]:
        """Those of the file, or of all files below it but hidden ones; sorted."""
        found = [path for path in self._found(name) if not path.rpartition("/")[2].startswith((".", "_"))]
        return sorted(line for path in found for line in self._system.cat_file(path).decode().splitlines())

    def _found(self, name: str) -> list[str]:
        self._system.invalidate_cache()
        found = self._system.find(self._inner(name), detail=True)
        # While the first file is being made, a client may take what it is in for a file.
        return [path for path, info in found.items() if info["type"] == "file"]

    def _inner(self, name: str) -> str:
        return self._system._strip_protocol(self.url(name))


def hdfs_store(hdfs: Hdfs) -> Store:
    return Store("hdfs", hdfs.url, fsspec.filesystem("hdfs", host="127.0.0.1", port=hdfs.port), [], {})


def s3_store(s3: S3, endpoint: str = "") -> Store:
    """As the command reaches it at ``endpoint``, which may be something before the server."""
    system: Any = fsspec.filesystem("s3", endpoint_url=s3.endpoint, key="any", secret="any")
    if not system.exists("tests"):
        system.mkdir("tests")
    options = ["-D", f"fs.s3.endpoint_url={endpoint or s3.endpoint}"]
    return Store("s3", "s3://tests", system, options, {**CREDENTIALS, "AWS_DEFAULT_REGION": "us-east-1"})
