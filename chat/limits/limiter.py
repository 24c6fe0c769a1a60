"""The limits by name, and what happens at each."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from limits import RateLimitItemPerMinute

from accounts.address import is_loopback
from accounts.api_keys.admission import KeyHolder
from accounts.api_keys.usage import Usage as KeyUsage
from feed.limits.counters import Counters
from feed.limits.leases import RENEW_S

from ..metrics import REFUSED
from ..where import where
from .settings import LimitSettings

log = logging.getLogger(__name__)

# What was sent and spoken is counted here, and settled with Redis so often.
SETTLE_S = 5.0
# How soon somebody may try again where nothing tells when there is room.
RETRY_S = 10.0
TELL_S = 1.0

TRY_LATER, TOO_MANY = 1013, 4429
TOO_FAST = "You are too fast. Wait a moment, then send it again."


class OverLimit(Exception):
    """``message`` is for the person, who may come back after ``retry_s``; ``close`` 4429 or 1013."""

    def __init__(
        self,
        limit: str,
        message: str,
        retry_s: float,
        close: int = TOO_MANY,
        most: int | None = None,
    ) -> None:
        """``limit``: by which it is counted; empty: it is already. ``most``: how many there may be, where
        that is a number of things.
        """
        super().__init__(message)
        self.most = most
        self.message = message
        self.retry_s = retry_s
        self.close = close
        if limit:
            REFUSED.labels(limit).inc()


@dataclass(slots=True)
class Usage:
    """What has come and is not settled yet: ``bytes`` of frames, and ``audio_seconds`` of a voice."""

    bytes: int = 0
    audio_seconds: float = 0.0

    def take(self) -> dict[str, int]:
        """Whole bytes and seconds by the name of their limit; what is left of a second stays."""
        seconds = int(self.audio_seconds)
        taken = {"bytes": self.bytes, "audio_seconds": seconds}
        self.bytes = 0
        self.audio_seconds -= seconds
        return {name: amount for name, amount in taken.items() if amount}


@dataclass(slots=True, eq=False)
class Place:
    """A socket's place: by whom, from where, with which API key. ``vouched``: a telephone service with the
    operator's token.

    All its calls come from a few addresses, so those are no measure of anything.
    """

    address: str
    person: str = ""
    vouched: bool = False
    key: KeyHolder | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    usage: Usage = field(default_factory=Usage)
    leases: tuple[str, ...] = ()

    def counted_by(self) -> list[tuple[str, str]]:
        """What it is counted by: ``("person" or "address", its key)``."""
        keys = []
        if self.person:
            keys.append(("person", f"person:{self.person}"))
        # On this machine: a developer, a test, or a proxy that nobody has told us of.
        if not self.vouched and not is_loopback(self.address):
            keys.append(("address", f"address:{self.address}"))
        return keys


class Tenant(Protocol):
    """A call in a place."""

    place: Place

    async def over_limit(self, over: OverLimit) -> None:
        """It has had more than it may."""


class Limiter:
    def __init__(self, settings: LimitSettings, counters: Counters, key_usage: KeyUsage) -> None:
        self._settings, self._key_usage = settings, key_usage
        self._rates, self._leases = counters.rates, counters.leases
        self._places: set[Place] = set()

    # --- sockets ------------------------------------------------------------------------------

    async def knock(self, place: Place) -> None:
        """A socket is there, of nobody known yet. Raises ``OverLimit``. In any case ``leave`` follows."""
        most = self._settings.sockets["process"]
        if most is not None and len(self._places) >= most:
            text = "The server is full. Try again in a moment."
            raise OverLimit("sockets_process", text, RETRY_S, TRY_LATER, most)
        self._places.add(place)
        await self._take(place, "connects", 1, "You connect too often.")

    async def enter(
        self, place: Place, person: str, *, vouched: bool = False, key: KeyHolder | None = None
    ) -> None:
        """It is this person's, who came with this ``key``. Raises ``OverLimit``."""
        by_address = place.counted_by()
        place.person, place.vouched, place.key = person, vouched, key
        counted = [key for key in place.counted_by() if key not in by_address]
        await self._take_from(counted, "connects", 1, "You connect too often.")
        for name, text in _SPENT.items():
            await self._refuse_spent(place, name, text)
        limits = {
            f"sockets:{key}": most
            for whose, key in place.counted_by()
            if (most := self._settings.sockets[whose]) is not None
        }
        if key is not None:
            limits[f"sockets:{key.counted_as}"] = key.sockets
        full = await self._leases.acquire(place.id, limits)
        if full is not None:
            text = (
                "You have too many connections open. Close one of them, or try again in a moment."
            )
            limit = f"sockets_{full.split(':')[1]}"
            raise OverLimit(limit, text, RETRY_S, most=limits[full])
        place.leases = tuple(limits)
        if key is not None:
            self._key_usage.count(key.key)

    async def leave(self, place: Place) -> None:
        """The socket is gone."""
        self._places.discard(place)
        leases, place.leases = place.leases, ()
        await self._leases.release(place.id, leases)
        for name, amount in self._take_usage(place).items():
            for whose, key in place.counted_by():
                await self._charge(name, whose, key, amount)

    # --- turns --------------------------------------------------------------------------------

    async def turn(self, place: Place, replies_in_progress: int) -> None:
        """One more turn. Raises ``OverLimit``."""
        most = self._settings.replies
        if most is not None and replies_in_progress >= most:
            text = "There is too much to answer just now. Try again in a moment."
            raise OverLimit("replies_process", text, RETRY_S, TRY_LATER)
        await self.request(place)

    async def request(self, place: Place) -> None:
        """A turn, or something beside a call that counts as one. Raises ``OverLimit``."""
        try:
            if place.key is not None:
                await self._spend_command(place.key)
            await self._take(place, "turns", 1, TOO_FAST)
        except OverLimit:
            if place.key is not None:
                self._key_usage.count(place.key.key, refused=1)
            raise
        if place.key is not None:
            self._key_usage.count(place.key.key, commands=1)

    async def _spend_command(self, key: KeyHolder) -> None:
        rate = RateLimitItemPerMinute(key.commands_per_minute)
        retry_s = await self._rates.take_whole(rate, f"commands:{key.counted_as}")
        if retry_s is not None:
            raise OverLimit("commands_key", TOO_FAST, retry_s)

    # --- what comes -----------------------------------------------------------------------------

    async def work(self, tenants: Callable[[], Iterable[Tenant]]) -> None:
        """Renew the leases and settle what has come, until cancelled."""
        renewed_at = time.monotonic()
        while True:
            await asyncio.sleep(SETTLE_S)
            try:
                if time.monotonic() - renewed_at >= RENEW_S:
                    renewed_at = time.monotonic()
                    await self._leases.renew()
                await self.settle(list(tenants()))
            except Exception as error:
                log.error("limits could not be settled: %s", where(error))

    async def settle(self, tenants: list[Tenant]) -> None:
        """Count what has come since the last time; those who have had too much are told."""
        used: Counter[tuple[str, str, str]] = Counter()
        whose: dict[tuple[str, str, str], list[Tenant]] = {}
        for tenant in tenants:
            for name, amount in self._take_usage(tenant.place).items():
                for by, key in tenant.place.counted_by():
                    used[name, by, key] += amount
                    whose.setdefault((name, by, key), []).append(tenant)
        told: set[int] = set()
        for counted, amount in used.items():
            retry_s = await self._charge(*counted, amount)
            if retry_s is None:
                continue
            for tenant in whose[counted]:
                if id(tenant) not in told:
                    told.add(id(tenant))
                    name, by, _ = counted
                    over = OverLimit(f"{name}_{by}", _SPENT[name], retry_s)
                    # One call that hangs must not keep the others from being counted.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(TELL_S):
                            await tenant.over_limit(over)

    def _take_usage(self, place: Place) -> dict[str, int]:
        """What has come since the last time."""
        taken = place.usage.take()
        if place.key is not None and "audio_seconds" in taken:
            self._key_usage.count(place.key.key, heard_ms=taken["audio_seconds"] * 1000)
        return taken

    async def _charge(self, name: str, by: str, key: str, amount: int) -> float | None:
        rate = self._settings.rates[name, by]
        return None if rate is None else await self._rates.take(rate, f"{name}:{key}", amount)

    async def _take(self, place: Place, name: str, cost: int, text: str) -> None:
        await self._take_from(place.counted_by(), name, cost, text)

    async def _take_from(
        self, keys: list[tuple[str, str]], name: str, cost: int, text: str
    ) -> None:
        for by, key in keys:
            retry_s = await self._charge(name, by, key, cost)
            if retry_s is not None:
                raise OverLimit(f"{name}_{by}", text, retry_s)

    async def _refuse_spent(self, place: Place, name: str, text: str) -> None:
        for by, key in place.counted_by():
            rate = self._settings.rates[name, by]
            if rate is None:
                continue
            retry_s = await self._rates.spent(rate, f"{name}:{key}")
            if retry_s is not None:
                raise OverLimit(f"{name}_{by}", text, retry_s)


_SPENT = {
    "audio_seconds": "You have spoken for as long as one may here. Come back later.",
    "bytes": "You have sent as much as one may here. Come back later.",
}
