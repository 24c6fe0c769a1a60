"""Who is refused too often is not looked at any more for a while: so guessing is slow, and costs little."""

from __future__ import annotations

from collections.abc import Callable

from limits import RateLimitItem

from .rates import Rates


class Refusals:
    """``rate`` None: there is no limit. ``turned_away`` is called each time that somebody is over it.

    Both methods answer None, or in how many seconds they may come again. An empty ``address`` is not
    counted.
    """

    def __init__(
        self, rates: Rates, rate: RateLimitItem | None, turned_away: Callable[[], None]
    ) -> None:
        self._rates, self._rate, self._turned_away = rates, rate, turned_away

    async def look(self, address: str) -> float | None:
        """Whether there have been too many already: ask before looking at what they bring."""
        if self._rate is None or not address:
            return None
        return self._told(await self._rates.spent(self._rate, _key(address)))

    async def count(self, address: str) -> float | None:
        """What they brought was wrong."""
        if self._rate is None or not address:
            return None
        return self._told(await self._rates.take(self._rate, _key(address)))

    def _told(self, retry_s: float | None) -> float | None:
        if retry_s is not None:
            self._turned_away()
        return retry_s


def _key(address: str) -> str:
    return f"refused_keys:address:{address}"
