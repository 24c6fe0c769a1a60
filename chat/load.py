"""How busy the event loop is, and whether one more call would take from those that it has.

All calls share the loop's thread. A call costs its share of that, but not at once: whoever has just
come is counted at the price of the others. When it is nearly full new calls are refused, so that
those in a call keep their answers as prompt as they were. Threads of recognisers and encoders, which
may have cores of their own, do not count.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

SAMPLE_S = 0.25
# The share of its time that the loop may be busy. The rest is for bursts, and for the other threads.
FULL = 0.62
# What a call is taken to cost (cores) until there are enough to tell.
GUESS = 0.008
ENOUGH_CALLS = 20
# A call that came less than so long ago is not in the figures yet.
NEW_S = 8.0
SMOOTHING = 0.1
# A loop that is so late again and again is full, whatever its own share is: others use its core.
LATE_S = 0.1


class Load:
    def __init__(self) -> None:
        self.busy = 0.0
        self.late_s = 0.0
        self._came_at: deque[float] = deque(maxlen=10_000)

    async def watch(self) -> None:
        """Sample the event loop that this runs on, until cancelled."""
        at, used = time.monotonic(), time.thread_time()
        while True:
            await asyncio.sleep(SAMPLE_S)
            now, now_used = time.monotonic(), time.thread_time()
            self.sample(now - at, now_used - used)
            at, used = now, now_used

    def sample(self, wall_s: float, cpu_s: float) -> None:
        """The loop's thread was busy for ``cpu_s`` of the last ``wall_s`` seconds."""
        self.busy += SMOOTHING * (cpu_s / wall_s - self.busy)
        self.late_s += SMOOTHING * (max(0.0, wall_s - SAMPLE_S) - self.late_s)

    def has_room(self, calls: int, now: float) -> bool:
        """Whether one more fits beside ``calls`` that are here; if so, it is counted as come."""
        while self._came_at and self._came_at[0] < now - NEW_S:
            self._came_at.popleft()
        new = len(self._came_at)
        settled = calls - new
        price = self.busy / settled if settled >= ENOUGH_CALLS else GUESS
        fits = self.busy + (new + 1) * price <= FULL and self.late_s < LATE_S
        if fits:
            self._came_at.append(now)
        return fits
