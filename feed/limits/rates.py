"""So much in such a time: sliding windows in Redis, or in this process while Redis is away."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage
from limits.aio.storage.base import SlidingWindowCounterSupport
from limits.aio.storage.redis import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis

from .sharing import Away, Shared

T = TypeVar("T")

LEAST_RETRY_S = 1.0
# Redis tells whole milliseconds, and time passes before it is asked again.
SLACK_S = 0.01


class Rates:
    """Counts by window and not by event: two numbers for each person or address, whatever they do.

    All methods answer None if it is within the rate, else after how many seconds it will be, if
    nothing more is taken until then.
    """

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
        """Count ``cost``, or as much of it as fits: whoever has had it already is over the limit."""

        async def take(counted: SlidingWindowCounterRateLimiter) -> float | None:
            if await counted.hit(rate, key, cost=cost):
                return None
            window = await counted.get_window_stats(rate, key)
            if cost > 1 and window.remaining > 0:
                await counted.hit(rate, key, cost=window.remaining)
            return _retry_s(await _windows(counted, rate, key), rate, 1)

        return await self._count(take)

    async def take_whole(self, rate: RateLimitItem, key: str, cost: int = 1) -> float | None:
        """Count ``cost`` or nothing of it. Infinite: more than ``rate`` allows at any time."""
        if cost > rate.amount:
            return math.inf

        async def take(counted: SlidingWindowCounterRateLimiter) -> float | None:
            if await counted.hit(rate, key, cost=cost):
                return None
            return _retry_s(await _windows(counted, rate, key), rate, cost)

        return await self._count(take)

    async def spent(self, rate: RateLimitItem, key: str) -> float | None:
        """Whether not one more fits. Counts nothing."""

        async def look(counted: SlidingWindowCounterRateLimiter) -> float | None:
            windows = await _windows(counted, rate, key)
            if windows.wait_s(rate.amount, 1) <= 0:
                return None
            return _retry_s(windows, rate, 1)

        return await self._count(look)

    async def _count(self, count: Callable[[SlidingWindowCounterRateLimiter], Awaitable[T]]) -> T:
        everywhere = self._everywhere
        if everywhere is not None:
            with contextlib.suppress(Away):
                return await self._shared.ask(lambda: count(everywhere))
        return await count(self._here)


@dataclass(frozen=True, slots=True)
class Windows:
    """The window that runs and the one before it, each ``length_s`` long, as ``limits`` keeps them.

    What was taken in a window counts in full until its end, and then less and less for as long again.
    ``…_gone_s``: in so many seconds it does not count any more.
    """

    length_s: float
    earlier: int
    earlier_gone_s: float
    current: int
    current_gone_s: float

    def wait_s(self, most: int, cost: int) -> float:
        """In how many seconds ``cost`` (at most ``most``) fits; 0.0 or less: it does now."""
        room = most - self.current - cost
        if room >= 0:
            return self._shrunk_s(self.earlier, self.earlier_gone_s, room)
        ends_s = self.current_gone_s - self.length_s
        return max(ends_s, self._shrunk_s(self.current, self.current_gone_s, most - cost))

    def _shrunk_s(self, count: int, gone_s: float, room: int) -> float:
        """In how many seconds so little of ``count`` is left that it counts as ``room`` at most."""
        if count <= room:
            return 0.0
        # Parts of one are not counted.
        return gone_s - self.length_s * (room + 1) / count


async def _windows(
    counted: SlidingWindowCounterRateLimiter, rate: RateLimitItem, key: str
) -> Windows:
    storage = cast(SlidingWindowCounterSupport, counted.storage)
    length_s = rate.get_expiry()
    return Windows(length_s, *await storage.get_sliding_window(rate.key_for(key), length_s))


def _retry_s(windows: Windows, rate: RateLimitItem, cost: int) -> float:
    """In tenths, and never too short."""
    wait_s = windows.wait_s(rate.amount, cost) + SLACK_S
    return max(LEAST_RETRY_S, math.ceil(wait_s * 10) / 10)
