"""Decompresses files, which it knows by their suffix, as streams."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from stream_engine.connectors.byte_stream import ConvertedStream

if TYPE_CHECKING:
    from types import ModuleType
    from typing import BinaryIO

    from stream_engine.connectors.byte_stream import ByteStream

_SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
# Small, because the package sets no limit to what one block decompresses to.
_ZSTANDARD_BLOCK = 16 * 1024


def is_compressed(path: str) -> bool:
    return path.lower().endswith(_SUFFIXES)


def decompressed(file: BinaryIO, path: str) -> ByteStream:
    """What ``file`` holds, decompressed as the suffix of ``path`` says; the file itself for any other suffix.

    Closing the stream leaves ``file`` open. A read raises an exception of the format's own when the data is damaged or
    incomplete. Raises ImportError when the format needs a package that is not installed.
    """
    suffix = path.lower().rpartition(".")[2] if is_compressed(path) else ""
    if suffix == "gz":
        import gzip

        return gzip.GzipFile(fileobj=file, mode="rb")
    if suffix == "bz2":
        import bz2

        return bz2.BZ2File(file)
    if suffix == "xz":
        import lzma

        return lzma.LZMAFile(file)
    if suffix == "zst":
        return _decompressed_zstandard(file)
    return file


def _decompressed_zstandard(file: BinaryIO) -> ByteStream:
    try:
        return import_module("compression.zstd").ZstdFile(file)  # Python 3.14 brings its own.
    except ImportError:
        pass
    try:
        return _ZstandardStream(file, import_module("zstandard"))
    except ImportError:
        from stream_engine.installation import extra

        raise ImportError(f"this version of Python needs a package for .zst files: {extra('zstd')}") from None


class _ZstandardStream(ConvertedStream):
    """All frames of a file. The package's own stream takes a file that was cut short for a complete one."""

    def __init__(self, source: ByteStream, zstandard: ModuleType) -> None:
        super().__init__(source)
        self._new_frame = zstandard.ZstdDecompressor().decompressobj
        self._frame = None
        self._compressed = b""

    def convert_next(self) -> bytes:
        data = b""
        while not data:
            self._compressed = self._compressed or self._source.read(_ZSTANDARD_BLOCK) or b""
            if not self._compressed:
                if self._frame is not None:
                    raise EOFError("the compressed data ends too early")
                break
            frame = self._frame or self._new_frame()
            data = frame.decompress(self._compressed)
            self._compressed = frame.unused_data
            self._frame = None if frame.eof else frame
        return data
