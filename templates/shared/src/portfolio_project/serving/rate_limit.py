"""Rate limit for each caller, told in the RateLimit headers of the IETF draft."""

import time
from collections.abc import Callable
from math import ceil, floor
from typing import NamedTuple, Protocol

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

from .exchange import Exchange
from .problems import Problem

IN_MEMORY = "memory://"
_MANY_CALLERS = 10_000
_log = structlog.get_logger("rate_limit")


class Verdict(NamedTuple):
    """Whether a request is admitted, how many more are, and seconds until that grows."""

    admitted: bool
    remaining: int
    wait: float


class Window(Protocol):
    """Counts the requests of each caller."""

    async def hit(self, caller: str) -> Verdict:
        """Count one request. Raises ConnectionError where the store can't be reached."""
        ...


class MemoryWindow:
    """A sliding window counter in this process: the algorithm of `limits`, at a tenth of its cost.

    The requests of the window before count in proportion to how much of it still lies within the
    last `seconds`. An event loop needs no locks; `clock` returns seconds.
    """

    def __init__(self, item: RateLimitItem, clock: Callable[[], float] = time.time) -> None:
        self._limit = item.amount
        self._seconds: int = item.get_expiry()
        self._clock = clock
        # caller -> (number of the window, requests in it, requests in the one before)
        self._counts: dict[str, tuple[int, int, int]] = {}

    async def hit(self, caller: str) -> Verdict:
        """Count one request."""
        now = self._clock() / self._seconds
        window = floor(now)
        left = 1.0 - (now - window)  # of this window, and of the one before within the last one
        number, current, before = self._counts.get(caller, (window, 0, 0))
        if number != window:
            before = current if number == window - 1 else 0
            current = 0
        admitted = floor(before * left + current) + 1 <= self._limit
        if admitted:
            current += 1
            self._counts[caller] = (window, current, before)
            if len(self._counts) > _MANY_CALLERS:
                self._forget(window)
        remaining = max(0, self._limit - floor(before * left + current))
        return Verdict(admitted, remaining, self._wait(left, current, before))

    def _wait(self, left: float, current: int, before: int) -> float:
        """Seconds until a request that counts now counts no longer."""
        until_next = left * self._seconds
        if before:
            return min(until_next, until_next % (self._seconds / before))
        return until_next if current else 0.0

    def _forget(self, window: int) -> None:
        recent = {k: v for k, v in self._counts.items() if v[0] >= window - 1}
        # A flood of new callers within one window: better to forget counts than to run out.
        self._counts = recent if len(recent) <= _MANY_CALLERS else {}


class StoreWindow:
    """The same window in a store that several processes share, by `limits`."""

    def __init__(self, item: RateLimitItem, url: str) -> None:
        storage = storage_from_string(url)
        if not isinstance(storage, Storage):
            raise TypeError("the store must be asynchronous, such as async+redis://")
        self._item = item
        self._failures = storage.base_exceptions
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    async def hit(self, caller: str) -> Verdict:
        """Count one request."""
        try:
            admitted = await self._limiter.hit(self._item, caller)
            stats = await self._limiter.get_window_stats(self._item, caller)
        except self._failures as error:
            raise ConnectionError(repr(error)) from error
        return Verdict(admitted, stats.remaining, stats.reset_time - time.time())


class RateLimiter:
    """Admits or refuses a caller's request.

    When the store fails, requests pass and the log says so: the limit protects the service, and
    must not take it down.
    """

    def __init__(self, limit: str, storage: str) -> None:
        self._item = parse(limit)
        self._window: Window = (
            MemoryWindow(self._item) if storage == IN_MEMORY else StoreWindow(self._item, storage)
        )
        policy = f'"default";q={self._item.amount};w={self._item.get_expiry()}'
        self._policy = (b"ratelimit-policy", policy.encode())

    async def admit(self, caller: str, exchange: Exchange) -> Problem | None:
        """Count one request of `caller`; return the problem to answer with, or None."""
        try:
            verdict = await self._window.hit(caller)
        except ConnectionError as error:
            _log.warning("rate_limit_store_failed", error=str(error))
            return None
        wait = max(1, ceil(verdict.wait))
        remaining = verdict.remaining if verdict.admitted else 0
        exchange.answer_headers += (
            self._policy,
            (b"ratelimit", b'"default";r=%d;t=%d' % (remaining, wait)),
        )
        if verdict.admitted:
            return None
        return Problem(
            429,
            detail=f"The limit is {self._item}. Try again in {wait} s.",
            type="urn:problem:rate-limited",
            headers={"Retry-After": str(wait)},
        )
