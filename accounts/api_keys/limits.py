"""How much a key may do: so many a minute, so many at a time.

A minute's worth may be spent at once; after that it comes back evenly (the "generic cell rate
algorithm"). What is remembered of a name is one moment: when all of its allowance will be back.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final, Protocol

WINDOW_S: Final = 60.0
VISIT_S: Final = 90.0
"""A visit that was not renewed for so long is over, or its process died."""
RENEW_S: Final = 30.0
_MANY: Final = 10_000  # names in memory; then those that have all of their allowance are forgotten


class Limits(Protocol):
    """``name`` tells allowances apart, such as "commands:17"."""

    async def spend(self, name: str, amount: int, a_minute: int) -> float:
        """Take ``amount`` of ``a_minute``. 0.0: taken. Else nothing was, and after so many seconds it
        might be; infinite: never, it is more than a minute's worth.
        """
        ...

    async def enter(self, name: str, visit: str, at_most: int) -> bool:
        """Begin a visit, unless ``at_most`` are there already; or renew one."""
        ...

    async def leave(self, name: str, visit: str) -> None:
        """The visit is over."""
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...


def spent(back_at: float, now: float, amount: int, a_minute: int) -> tuple[float, float]:
    """The next ``back_at``, and for how many seconds to wait (0.0: it was spent)."""
    if amount > a_minute:
        return back_at, math.inf
    wished = max(back_at, now) + amount * WINDOW_S / a_minute
    wait = wished - now - WINDOW_S
    return (back_at, wait) if wait > _ROUNDING else (wished, 0.0)


_ROUNDING: Final = 1e-6  # of times in seconds


class MemoryLimits:
    """For one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._back_at: dict[str, float] = {}
        self._visits: dict[str, dict[str, float]] = {}

    async def spend(self, name: str, amount: int, a_minute: int) -> float:
        now = self._clock()
        if len(self._back_at) > _MANY:
            self._back_at = {name: at for name, at in self._back_at.items() if at > now}
        back_at, wait = spent(self._back_at.get(name, now), now, amount, a_minute)
        if not wait:
            self._back_at[name] = back_at
        return wait

    async def enter(self, name: str, visit: str, at_most: int) -> bool:
        now = self._clock()
        visits = self._visits.setdefault(name, {})
        for gone in [other for other, seen in visits.items() if seen < now - VISIT_S]:
            del visits[gone]
        if visit not in visits and len(visits) >= at_most:
            return False
        visits[visit] = now
        return True

    async def leave(self, name: str, visit: str) -> None:
        visits = self._visits.get(name, {})
        visits.pop(visit, None)
        if not visits:
            self._visits.pop(name, None)

    async def aclose(self) -> None:
        return
