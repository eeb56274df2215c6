"""Text as bytes, whatever is in it."""

from __future__ import annotations


def encode(text: str) -> bytes:
    """The text in utf-8, ``without_surrogates``."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return without_surrogates(text).encode()


def without_surrogates(text: str) -> str:
    """A surrogate alone, which is no character, becomes U+FFFD, and a pair of them its character.

    U+FFFD is what Unicode has for that, and what reading gives for bytes that are no text; a ``?`` could be data.
    """
    # In utf-16 a pair is what the character is.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
