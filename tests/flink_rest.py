"""A stand-in for the REST interface of a Flink cluster, for what is asked before a job is submitted."""

from __future__ import annotations

from typing import Any

from rest_server import RestServer


class Rest(RestServer):
    """Answers as the REST interface of a cluster with one TaskManager of two slots; ``asked`` is what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self._frees_at = 0
        self.answers: dict[str, Any] = {
            "/overview": {"flink-version": "2.3.1", "slots-total": 2, "slots-available": 2},
            "/taskmanagers": {"taskmanagers": [{"id": "127.0.0.1:35001-ab12"}]},
        }

    def answer(self, method: str, path: str, body: Any) -> tuple[int, object]:
        self.asked.append(f"{method} {path}")
        if self._frees_at and self.asked.count("GET /overview") >= self._frees_at:
            self.answers["/overview"]["slots-available"] = self.answers["/overview"]["slots-total"]
        return (200, self.answers[path]) if path in self.answers else (404, {})

    def frees_slots_after(self, times: int) -> None:
        """All slots are free when it has been asked for an overview so often."""
        self._frees_at = self.asked.count("GET /overview") + times
