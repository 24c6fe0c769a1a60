"""Limits that hold for all instances together, kept in Redis by its own clock.

Redis may be out of reach: then each process keeps the limits by itself until it is back, rather than
refusing everybody or admitting everything.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from .limits import VISIT_S, WINDOW_S, MemoryLimits

log = logging.getLogger(__name__)

_PREFIX: Final = "voicechat:limits:"
_TIMEOUT_S: Final = 0.5
_AGAIN_S: Final = 5.0

# As limits.spent, with the moment kept for as long as it lies ahead.
_SPEND: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local window, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local wished = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + cost
local wait = wished - now - window
if wait > 1e-6 then return tostring(wait) end
redis.call('SET', KEYS[1], string.format('%.6f', wished), 'PX', math.ceil((wished - now) * 1000))
return '0'
"""

_ENTER: Final = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
if not redis.call('ZSCORE', KEYS[1], ARGV[1])
    and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], tonumber(ARGV[2]))
return 1
"""

_LEAVE: Final = "return redis.call('ZREM', KEYS[1], ARGV[1])"


class _Away(Exception):
    """Redis does not answer."""


class RedisLimits:
    """Of all processes that use the same Redis."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),
        )
        self._alone = MemoryLimits()
        self._away = False
        self._again_at = 0.0

    async def spend(self, name: str, amount: int, a_minute: int) -> float:
        if amount > a_minute:
            return math.inf
        cost = amount * WINDOW_S / a_minute
        try:
            waits = await self._run(_SPEND, f"spent:{name}", WINDOW_S, cost)
        except _Away:
            return await self._alone.spend(name, amount, a_minute)
        return max(0.0, float(waits))

    async def enter(self, name: str, visit: str, at_most: int) -> bool:
        try:
            return bool(await self._run(_ENTER, f"visits:{name}", visit, int(VISIT_S), at_most))
        except _Away:
            return await self._alone.enter(name, visit, at_most)

    async def leave(self, name: str, visit: str) -> None:
        await self._alone.leave(name, visit)
        with contextlib.suppress(_Away):
            await self._run(_LEAVE, f"visits:{name}", visit)

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def _run(self, script: str, key: str, *arguments: str | float) -> Any:
        now = time.monotonic()
        if self._away:
            if now < self._again_at:
                raise _Away
            # This one finds out whether it is back; the others do not wait.
            self._again_at = now + _AGAIN_S
        words = [str(argument) for argument in arguments]
        try:
            answer = await self._redis.eval(script, 1, _PREFIX + key, *words)
        except (RedisError, OSError) as error:
            if not self._away:
                kind = type(error).__name__
                log.warning(
                    "each process keeps the limits of API keys until Redis is back: %s", kind
                )
            self._away, self._again_at = True, time.monotonic() + _AGAIN_S
            raise _Away from error
        if self._away:
            log.info("Redis keeps the limits of API keys again")
        self._away = False
        return answer
