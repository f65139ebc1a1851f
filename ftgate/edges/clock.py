"""Time."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Port Clock."""

    def now(self) -> str:
        return datetime.now(UTC).isoformat(timespec="seconds")

    def seconds(self) -> float:
        return time.monotonic()
