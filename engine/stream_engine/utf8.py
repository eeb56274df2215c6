"""Text as bytes, whatever is in it."""

from __future__ import annotations


def encode(text: str) -> bytes:
    """The text in utf-8, with surrogates replaced as ``without_surrogates`` does."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return without_surrogates(text).encode()


def without_surrogates(text: str) -> str:
    """The text with its character for each pair of surrogates, and U+FFFD for a lone surrogate, which is no character.

    Unicode has U+FFFD for that, and reading gives it for bytes that are no text; a ``?`` could be data.
    """
    # In utf-16 a pair is what the character is.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
