"""What the character sets of text files mean for finding lines in them."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from stream_engine.connectors.byte_stream import ConvertedStream

if TYPE_CHECKING:
    from stream_engine.connectors.byte_stream import ByteStream

_BLOCK = 128 * 1024


def splits_at_newlines(charset: str) -> bool:
    r"""Whether a byte ``\n`` always ends a line, so that lines can be found from the middle of a file.

    True for utf-8 and the ASCII-compatible single-byte sets. In utf-16 that byte may be half of a character; in the
    East Asian sets a broken character may swallow it, and some have a shift state.
    Raises ValueError for an unknown charset.
    """
    try:
        name = codecs.lookup(charset).name
        newline = "\n".encode(charset)
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"{charset!r} is not a charset that Python knows") from error
    if newline != b"\n" or name.startswith(("hz", "iso2022")):
        return False
    every_byte = bytes(range(256)).decode(charset, "replace")
    return len(every_byte) == 256 and every_byte.count("\n") == 1


class Utf8Stream(ConvertedStream):
    """A stream of bytes in any charset, as utf-8; what cannot be decoded becomes U+FFFD."""

    def __init__(self, source: ByteStream, charset: str) -> None:
        super().__init__(source)
        self._decoder = codecs.getincrementaldecoder(charset)("replace")

    def convert_next(self) -> bytes:
        text, block = "", b"more"
        while block and not text:
            block = self._source.read(_BLOCK)
            text = self._decoder.decode(block or b"", final=not block)
        return text.encode("utf-8", "replace")
