"""So many at a time: each holds a lease under each of its keys, which lapses when its process dies."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from redis.asyncio import Redis

from .sharing import Away, Shared

LEASE_S = 30
# Twice missed is not lapsed yet.
RENEW_S = 10
PREFIX = "voicechat.leases."
# Keys of one script; more would hold up everybody else at Redis.
BATCH = 500

# By Redis' own clock: those of the instances may differ.
_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
# KEYS: one for each limit. ARGV: lease in ms, holder, the limits. Returns 0, or which limit is reached.
_ACQUIRE = f"""{_NOW}
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  if redis.call('ZCARD', key) >= tonumber(ARGV[2 + i]) and not redis.call('ZSCORE', key, ARGV[2]) then
    return i
  end
end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ARGV[1], ARGV[2])
  redis.call('PEXPIRE', key, ARGV[1])
end
return 0
"""
# KEYS and, from ARGV[2] on, the holder of each.
_RENEW = f"""{_NOW}
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ARGV[1], ARGV[1 + i])
  redis.call('PEXPIRE', key, ARGV[1])
end
"""


class Leases:
    """``held`` here is always right for this process; Redis knows of all of them."""

    def __init__(self, client: Redis | None, shared: Shared, lease_s: float = LEASE_S) -> None:
        self._client, self._shared = client, shared
        self._lease_ms = round(lease_s * 1000)
        self._held: dict[str, set[str]] = defaultdict(set)
        if client is not None:
            self._acquire = client.register_script(_ACQUIRE)
            self._renew = client.register_script(_RENEW)

    async def acquire(self, holder: str, limits: Mapping[str, int]) -> str | None:
        """Hold a lease under each key; None if there was room, else the key that is full."""
        keys = list(limits)
        try:
            full = await self._first_full(holder, keys, list(limits.values()))
        except asyncio.CancelledError:
            # Redis may have given them all the same.
            await self.release(holder, keys)
            raise
        if full is None:
            for key in keys:
                self._held[key].add(holder)
        return full

    async def _first_full(
        self, holder: str, keys: Sequence[str], most: Sequence[int]
    ) -> str | None:
        if self._client is not None and keys:
            names = _names(keys)
            values: list[str | int] = [self._lease_ms, holder, *most]
            try:
                found = await self._shared.ask(lambda: self._acquire(keys=names, args=values))
            except Away:
                pass
            else:
                return keys[found - 1] if found else None
        full = (key for key, limit in zip(keys, most, strict=True) if self._count(key) >= limit)
        return next(full, None)

    def _count(self, key: str) -> int:
        return len(self._held.get(key, ()))

    async def release(self, holder: str, keys: Sequence[str]) -> None:
        """Give them back; with Redis away they lapse."""
        for key in keys:
            self._held[key].discard(holder)
            if not self._held[key]:
                del self._held[key]
        client = self._client
        if client is None or not keys:
            return

        async def remove() -> None:
            async with client.pipeline(transaction=False) as commands:
                for name in _names(keys):
                    commands.zrem(name, holder)
                await commands.execute()

        with contextlib.suppress(Away):
            await self._shared.ask(remove)

    async def renew(self) -> None:
        """Hold on to all of them; a Redis that was restarted learns of them again."""
        if self._client is None:
            return
        held = [(key, holder) for key, holders in self._held.items() for holder in holders]
        for start in range(0, len(held), BATCH):
            some = held[start : start + BATCH]
            names = _names([key for key, _ in some])
            values = [self._lease_ms, *(holder for _, holder in some)]
            try:
                await self._shared.ask(lambda n=names, v=values: self._renew(keys=n, args=v))  # type: ignore[misc]
            except Away:
                return


def _names(keys: Sequence[str]) -> list[str]:
    return [PREFIX + key for key in keys]
