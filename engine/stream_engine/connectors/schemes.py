"""What the schemes of URLs stand for: which package has their file system, and with which options it is made."""

from __future__ import annotations

import errno
import json
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from stream_engine.configuration.secrets import is_secret
from stream_engine.installation import extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fsspec import AbstractFileSystem

# The extra of this project for a scheme, and the modules that it installs.
_EXTRAS = {
    **dict.fromkeys(("hdfs", "viewfs"), ("hdfs", ("fsspec", "hdfs_native"))),
    **dict.fromkeys(("s3", "s3a"), ("s3", ("fsspec", "s3fs"))),
}
_HDFS = ("hdfs", "viewfs")
_WITHOUT_DIRECTORIES = {
    "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "wasb", "oss", "oci", "ocilake", "obs", "http", "https", "hf",
}  # fmt: skip
_NUMBER = re.compile(r"-?[0-9]{1,9}")
# Bytes that are sent at once where a client gathers them: each is a part that is retried by itself.
_PART = 8 * 1024 * 1024


def has_directories(scheme: str) -> bool:
    """Whether a directory is something of its own, not just what the names of its files begin with."""
    return scheme not in _WITHOUT_DIRECTORIES


def check_installed(scheme: str, url: str) -> None:
    """Raises ValueError for a scheme that nobody knows, or whose package is not installed, with how to install it."""
    if scheme in _EXTRAS:
        name, modules = _EXTRAS[scheme]
        if any(find_spec(module) is None for module in modules):
            raise ValueError(f"cannot use {url}: {scheme}:// needs packages that are not installed: {extra(name)}")
        return
    if find_spec("fsspec") is None:
        raise ValueError(
            f"cannot use {url}: {scheme}:// is not supported without further packages. hdfs:// needs {extra('hdfs')}, "
            f"s3:// needs {extra('s3')}; for others install fsspec and its package for {scheme}://"
        )
    import fsspec

    try:
        fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        raise ValueError(f"cannot use {url}: {scheme}:// needs a package that is not installed: {error}") from error
    except ValueError:
        raise ValueError(
            f"cannot use {url}: no file system is known for {scheme}://; give a path or a file:// URL of this machine, "
            "or a scheme that fsspec knows"
        ) from None


def make(scheme: str, url: str, options: Mapping[str, str]) -> AbstractFileSystem:
    """The file system of the host or bucket that ``url`` names, with ``options`` as they are in the configuration.

    Raises OSError when it cannot be made.
    """
    import fsspec

    kind = fsspec.get_filesystem_class(scheme)
    given: dict[str, Any] = dict(options) if scheme in _HDFS else _typed(options)
    if scheme in _HDFS:
        # Enough to find the NameNode that is active. Whoever calls tries again, and can tell why; the client would be
        # silent for minutes.
        given.setdefault("dfs.client.failover.max.attempts", "3")
        given.setdefault("dfs.client.failover.sleep.base.millis", "100")
        given.setdefault("dfs.client.failover.sleep.max.millis", "500")
    elif scheme in ("s3", "s3a"):
        given.setdefault("default_block_size", _PART)
        # Others write there, too, and listings that are kept do not show that.
        given.setdefault("use_listings_cache", False)
    try:
        return kind(**{**kind._get_kwargs_from_urls(url), **given})
    except Exception as error:
        names = f" (with the options {', '.join(f'fs.{scheme}.{name}' for name in options)})" if options else ""
        what = " ".join(str(error).split())
        raise OSError(errno.EINVAL, f"{scheme}:// cannot be used{names}: {what}", url) from error


def _typed(options: Mapping[str, str]) -> dict[str, Any]:
    """Options as a constructor takes them: ``a.b`` is ``b`` in the mapping ``a``, and a secret is always text."""
    typed: dict[str, Any] = {}
    for name, text in options.items():
        *outer, last = name.split(".")
        into = typed
        for each in outer:
            into = into.setdefault(each, {})
        into[last] = text if is_secret(name) else _value(text)
    return typed


def _value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _NUMBER.fullmatch(text):
        return int(text)
    if text[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            pass
    return text
