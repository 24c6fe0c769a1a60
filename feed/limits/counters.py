"""What a process counts with: by itself, or together with all that use the same Redis."""

from __future__ import annotations

from ..shared_redis import redis_client
from .leases import Leases
from .rates import Rates
from .sharing import Shared


class Counters:
    """``redis_url`` empty: there is one process. Whoever has made it renews the leases and closes it."""

    def __init__(self, redis_url: str = "") -> None:
        self._client = redis_client(redis_url) if redis_url else None
        self._shared = Shared()
        self.rates = Rates(self._client, self._shared)
        self.leases = Leases(self._client, self._shared)

    @property
    def is_alone(self) -> bool:
        """Whether it counts for this process alone, because Redis is away."""
        return self._shared.is_away

    async def ping(self) -> None:
        """Whether Redis answers just now. Raises ``RedisError`` or ``OSError`` if it does not."""
        if self._client is not None:
            await self._client.ping()

    async def aclose(self) -> None:
        """Give back the connections; nothing is counted any more."""
        if self._client is not None:
            await self._client.aclose()
