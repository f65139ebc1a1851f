"""How fast a judge may be asked, for how long, and for how much."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

from ftgate.values.evaluation import Question
from ftgate.values.judging import Usage
from ftgate.values.settings import JudgeLimits

_MINUTE = 60.0
_BYTES_PER_TOKEN = 4
_REPLY_TOKENS = 200  # of an ordinary reply; what the server says replaces it afterwards
_MILLION = 1_000_000


class Bucket:
    """So many units a minute, at first a second's worth at once, so that a start does not burst."""

    def __init__(self, per_minute: int | None, now: Callable[[], float] = monotonic) -> None:
        self._rate = per_minute / _MINUTE if per_minute else None
        self._now = now
        self._free_at = now()

    async def take(self, units: float) -> None:
        """Waits until the units are free. Whoever asks first is served first."""
        if self._rate is None:
            return
        wait = self.reserve(units)
        if wait > 0:
            await asyncio.sleep(wait)

    def reserve(self, units: float) -> float:
        """Seconds to wait for units that are taken from now on."""
        if self._rate is None:
            return 0.0
        start = max(self._free_at, self._now() - 1.0)
        self._free_at = start + units / self._rate
        return start - self._now()


class Budget:
    """Deadline and spend cap of a run, and what asking took so far."""

    def __init__(self, limits: JudgeLimits, now: Callable[[], float] = monotonic) -> None:
        self._limits = limits
        self._now = now
        self._ends: float | None = None
        self._reserved = 0.0
        self._spent = 0.0
        self.usage = Usage()

    @property
    def seconds_left(self) -> float:
        """Until the deadline, which runs from the first look."""
        if self._ends is None:
            self._ends = self._now() + self._limits.deadline_seconds
        return self._ends - self._now()

    def refusal(self, tokens: int) -> str:
        """Why a question of so many tokens may not be asked any more; "" when it may."""
        limits = self._limits
        if self.seconds_left <= 0:
            return f"the deadline of {limits.deadline_seconds:g} seconds had passed"
        cost = self._cost(tokens, _REPLY_TOKENS)
        if limits.max_cost is None or cost is None:
            return ""
        spent = self._spent + self._reserved + cost
        return f"the spend cap of {limits.max_cost:g} was reached" if spent > limits.max_cost else ""

    @asynccontextmanager
    async def reserved(self, tokens: int) -> AsyncIterator[None]:
        """Holds the likely cost of a question back while it is open, so that many at once keep to the cap."""
        cost = self._cost(tokens, _REPLY_TOKENS) or 0.0
        self._reserved += cost
        try:
            yield
        finally:
            self._reserved -= cost

    def charge(self, input_tokens: int, output_tokens: int) -> None:
        """Counts a call that was answered."""
        self._spent += self._cost(input_tokens, output_tokens) or 0.0
        self.usage = Usage(
            calls=self.usage.calls + 1,
            cached=self.usage.cached,
            input_tokens=self.usage.input_tokens + input_tokens,
            output_tokens=self.usage.output_tokens + output_tokens,
            cost=None if self._cost(0, 0) is None else round(self._spent, 6),
        )

    def spared(self, calls: int) -> None:
        """Counts calls that the cache answered."""
        usage = self.usage
        self.usage = Usage(
            calls=usage.calls,
            cached=usage.cached + calls,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost=usage.cost,
        )

    def _cost(self, input_tokens: int, output_tokens: int) -> float | None:
        limits = self._limits
        if limits.input_price is None or limits.output_price is None:
            return None
        return (input_tokens * limits.input_price + output_tokens * limits.output_price) / _MILLION


def tokens_of(question: Question) -> int:
    """About how many tokens a question has: a token is some four bytes of UTF-8."""
    return len((question.system + question.user).encode("utf-8", "replace")) // _BYTES_PER_TOKEN + 1


class Limiter:
    """Concurrency, requests and tokens a minute, of all judges of a run together."""

    def __init__(self, limits: JudgeLimits) -> None:
        self._concurrency = limits.concurrency
        self._requests = Bucket(limits.requests_per_minute)
        self._tokens = Bucket(limits.tokens_per_minute)
        self._open = asyncio.Semaphore(limits.concurrency)

    def begin(self) -> None:
        """A semaphore belongs to one event loop, the buckets to the run."""
        self._open = asyncio.Semaphore(self._concurrency)

    @asynccontextmanager
    async def turn(self, tokens: int) -> AsyncIterator[None]:
        """A turn to ask a question of so many tokens."""
        async with self._open:
            await self._requests.take(1)
            await self._tokens.take(tokens + _REPLY_TOKENS)
            yield
