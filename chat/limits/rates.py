"""So much in such a time: sliding windows in Redis, or in this process while Redis is away."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage
from limits.aio.storage.redis import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis

from .sharing import Away, Shared

T = TypeVar("T")

LEAST_RETRY_S = 1.0


class Rates:
    """Counts by window and not by event: two numbers for each person or address, whatever they do."""

    def __init__(self, client: Redis | None, shared: Shared) -> None:
        self._shared = shared
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._everywhere: SlidingWindowCounterRateLimiter | None = None
        if client is not None:
            storage = RedisStorage(
                "async+redis://",
                implementation="redispy",
                key_prefix="voicechat.limits",
                # Its type says otherwise; its documentation does not.
                connection_pool=client.connection_pool,  # type: ignore[arg-type]
            )
            self._everywhere = SlidingWindowCounterRateLimiter(storage)

    async def take(self, rate: RateLimitItem, key: str, cost: int = 1) -> float | None:
        """Count ``cost``; None if it was within ``rate``, else seconds until there may be room again.

        What does not fit is counted as far as it fits, so that whoever has had it is over the limit.
        """

        async def take(counted: SlidingWindowCounterRateLimiter) -> float | None:
            if await counted.hit(rate, key, cost=cost):
                return None
            window = await counted.get_window_stats(rate, key)
            if cost > 1 and window.remaining > 0:
                await counted.hit(rate, key, cost=window.remaining)
            return _retry_s(window.reset_time, rate)

        return await self._count(take)

    async def spent(self, rate: RateLimitItem, key: str) -> float | None:
        """As ``take``, without counting: whether not one more fits."""

        async def look(counted: SlidingWindowCounterRateLimiter) -> float | None:
            if await counted.test(rate, key):
                return None
            window = await counted.get_window_stats(rate, key)
            return _retry_s(window.reset_time, rate)

        return await self._count(look)

    async def _count(self, count: Callable[[SlidingWindowCounterRateLimiter], Awaitable[T]]) -> T:
        everywhere = self._everywhere
        if everywhere is not None:
            with contextlib.suppress(Away):
                return await self._shared.ask(lambda: count(everywhere))
        return await count(self._here)


def _retry_s(reset_time: float, rate: RateLimitItem) -> float:
    return round(min(max(LEAST_RETRY_S, reset_time - time.time()), rate.get_expiry()), 1)
