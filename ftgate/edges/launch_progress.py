"""Shows the progress of another process from the lines that it appends to a file."""

import json
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from ftgate.ports import Progress, Task


class Follower:
    """Every line carries all that was done, so that a rank that was started again is not counted twice."""

    def __init__(self, file: Path, progress: Progress) -> None:
        self._file, self._progress = file, progress
        self._offset = 0
        self._open = ExitStack()
        self._task: Task | None = None
        self._named: tuple[str, int] | None = None
        self._shown = 0

    def __enter__(self) -> "Follower":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def read(self) -> None:
        """Shows whatever came since the last look; half a line waits for its end."""
        try:
            with self._file.open("rb") as stream:
                stream.seek(self._offset)
                content = stream.read()
        except FileNotFoundError:
            return
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            self._show(json.loads(line))

    def _show(self, event: dict[str, Any]) -> None:
        if "say" in event:
            self._progress.say(str(event["say"]))
        elif "task" in event:
            self._begin(str(event["task"]), int(event["total"]))
        elif "done" in event and self._task is not None:
            done = int(event["done"])
            self._task.advance(max(0, done - self._shown))
            self._shown = max(done, self._shown)
        elif "end" in event:
            self._open.close()
            self._task = self._named = None

    def _begin(self, label: str, total: int) -> None:
        if self._named == (label, total):
            return  # the same task of a rank that was started again
        self._open.close()
        self._task = self._open.enter_context(self._progress.task(label, total))
        self._named, self._shown = (label, total), 0
