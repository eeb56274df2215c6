"""Puts the page together from its parts: one document that needs nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import os

from pyflink_stream.web.response import Response

# In this order, as each needs those before it.
_SCRIPTS = ("graph.js", "texts.js", "graph_view.js", "plot.js", "tasks.js", "checkpoints.js", "page.js")
_HERE = os.path.dirname(os.path.abspath(__file__))


def page() -> Response:
    """The page, with a policy that allows its own style and script, and requests to its server, and nothing else."""
    style, script = _read("page.css"), "\n".join(map(_read, _SCRIPTS))
    html = _read("page.html").replace("/* style */", style).replace("/* script */", script)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    return Response(html.encode(), "text/html; charset=utf-8", policy=policy)


def _read(name: str) -> str:
    with open(os.path.join(_HERE, name), encoding="utf-8") as file:
        return file.read()


def _digest(text: str) -> str:
    """The name that a policy has for a text in the page."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
