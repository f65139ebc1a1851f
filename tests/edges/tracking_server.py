"""A tracking server of MLflow on loopback, as far as a run needs one: real HTTP, and it can be lost."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.edges.servers import Handler, serving


class Kept:
    """What the server was told; `lost` says what becomes of every request from then on."""

    def __init__(self) -> None:
        self.metrics: list[dict[str, Any]] = []
        self.params: list[dict[str, str]] = []
        self.status = ""
        self.lost = ""  # "", "reset", "silent", or a status such as "401"
        self.over = False


@contextmanager
def tracking() -> Iterator[tuple[str, Kept]]:
    """URL of a server, and what it keeps."""
    kept = Kept()

    class Tracking(Handler):
        def do_GET(self) -> None:
            self._answer({"experiment": {"experiment_id": "1", "name": "x", "lifecycle_stage": "active"}})

        def do_POST(self) -> None:
            told = self.body() or {}
            if not kept.lost:
                kept.metrics += told.get("metrics", [])
                kept.params += told.get("params", [])
                kept.status = told.get("status", kept.status)
            info = {"run_id": "r1", "run_uuid": "r1", "experiment_id": "1", "status": "RUNNING"}
            info |= {"start_time": "1", "artifact_uri": "file:///nowhere", "lifecycle_stage": "active"}
            self._answer({"run": {"info": info, "data": {}}, "run_info": info})

        def _answer(self, value: Any) -> None:
            if kept.lost == "reset":
                self.reset()
                return
            while kept.lost == "silent" and not kept.over:
                time.sleep(0.05)
            if kept.lost.isdecimal():
                self.reply(int(kept.lost), {"error_code": "UNAUTHENTICATED", "message": "who are you?"})
            else:
                self.reply(200, value)

    with serving(Tracking) as url:
        try:
            yield url, kept
        finally:
            kept.over = True
