"""Rate limit for each caller, told in the RateLimit headers of the IETF draft."""

import time
from math import ceil

import structlog
from limits import parse
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

from .exchange import Exchange
from .problems import Problem

_log = structlog.get_logger("rate_limit")


class RateLimiter:
    """A sliding window for each caller, in memory or in the store that `storage_url` names.

    When the store fails, requests pass and the log says so: the limit protects the service, and
    must not take it down.
    """

    def __init__(self, limit: str, storage_url: str) -> None:
        self._item = parse(limit)
        storage = storage_from_string(storage_url)
        if not isinstance(storage, Storage):
            msg = f"{storage_url.partition(':')[0]} is not asynchronous; use async+memory://"
            raise TypeError(msg)
        self._failures = storage.base_exceptions
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        policy = f'"default";q={self._item.amount};w={self._item.get_expiry()}'
        self._policy = (b"ratelimit-policy", policy.encode())

    async def admit(self, caller: str, exchange: Exchange) -> Problem | None:
        """Count one request of `caller`; return the problem to answer with, or None."""
        try:
            admitted = await self._limiter.hit(self._item, caller)
            stats = await self._limiter.get_window_stats(self._item, caller)
        except self._failures as error:
            _log.warning("rate_limit_store_failed", error=repr(error))
            return None
        wait = max(1, ceil(stats.reset_time - time.time()))
        remaining = stats.remaining if admitted else 0
        exchange.answer_headers += (
            self._policy,
            (b"ratelimit", b'"default";r=%d;t=%d' % (remaining, wait)),
        )
        if admitted:
            return None
        return Problem(
            429,
            detail=f"The limit is {self._item}. Try again in {wait} s.",
            type="urn:problem:rate-limited",
            headers={"Retry-After": str(wait)},
        )
