"""A real browser without a window, driven over the protocol that all browsers' drivers speak."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from launched import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# No sandbox for root, and nothing that would ask the network for anything.
_SWITCHES = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--force-prefers-reduced-motion"),
]


def missing() -> str | None:
    """What this machine lacks for a Browser."""
    if not shutil.which("chromedriver"):
        return "there is no chromedriver"
    return None if any(map(shutil.which, _BROWSERS)) else "there is no Chromium"


class Browser:
    """``run`` is given the body of a function in JavaScript, and gives what that returns."""

    def __init__(self, directory: Path) -> None:
        binary = next(path for path in map(shutil.which, _BROWSERS) if path)
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "TMPDIR": str(directory)},
        )
        assert self._driver.stdout is not None
        started = next(
            (match for line in self._driver.stdout if (match := re.search(r"successfully on port (\d+)", line))), None
        )
        assert started, "chromedriver has not started"
        self._url = f"http://127.0.0.1:{started[1]}"
        options = {"binary": binary, "args": [*_SWITCHES, f"--user-data-dir={directory / 'profile'}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self._post("/session", {"capabilities": {"alwaysMatch": wanted}})
        self._url += f"/session/{session['sessionId']}"

    def open(self, address: str, width: int = 1280, height: int = 900) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._devtools("Emulation.setDeviceMetricsOverride", **size)
        # The page before this one may have lost its server, and says so until it is left.
        self._post("/url", {"url": "about:blank"})
        self.complaints()
        self._post("/url", {"url": address})

    def prefer(self, scheme: str) -> None:
        """Light or dark."""
        self._devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def run(self, script: str, *arguments: Any) -> Any:
        return self._post("/execute/sync", {"script": script, "args": arguments})

    def wait_for(self, script: str, fits: Callable[[Any], object] = bool) -> Any:
        """What the script gives, as soon as that ``fits``."""
        deadline = time.monotonic() + PATIENCE
        while not fits(value := self.run(script)):
            assert time.monotonic() < deadline, (script, value, self.run("return document.body.innerText"))
            time.sleep(0.05)
        return value

    def complaints(self) -> list[str]:
        """What has been written to the console since the last call: errors, and what the page's policy forbids."""
        return [entry["message"] for entry in self._post("/se/log", {"type": "browser"})]

    def close(self) -> None:
        try:
            self._request("DELETE", "", None)
        finally:
            self._driver.terminate()
            self._driver.communicate()

    def _devtools(self, command: str, **parameters: Any) -> Any:
        return self._post("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def _post(self, path: str, body: Any) -> Any:
        return self._request("POST", path, body)

    def _request(self, method: str, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return json.load(response)["value"]
