"""What a site answers with, whoever speaks HTTP for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_CONTENT = "default-src 'none'; frame-ancestors 'none'"


class Response(NamedTuple):
    """The answer to a request; ``policy`` is its Content-Security-Policy."""

    body: bytes
    content_type: str
    status: int = 200
    policy: str = NO_CONTENT


class Site(Protocol):
    """What a server serves."""

    def answer(self, path: str, headers: Mapping[str, str]) -> Response | None:
        """The response for a path; None if there is nothing. Called by several threads.

        The names of ``headers`` are in lower case.
        """
        ...
