"""A circuit breaker that keeps people from waiting for an engine that is out of reach.

It starts open, and only a probe in the background closes it, so that nobody's reply is the one
that finds out. purgatory 3.0, which is kept and async, starts closed and lets the next caller through
as the probe, hence these few lines.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final

log = logging.getLogger(__name__)

FIRST_DELAY: Final = 5.0
"""Seconds from a failure to the next probe; doubled with each probe that fails."""

LONGEST_DELAY: Final = 300.0
_JITTER: Final = 0.2  # a delay varies by so much, or instances would all probe at once


class Breaker:
    """The state alone: no tasks, no I/O. ``clock`` counts seconds, ``chance`` gives 0-1."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock, self._chance = clock, chance
        self._closed = False
        self._delay = FIRST_DELAY
        self._probe_at = clock()

    @property
    def closed(self) -> bool:
        """Whether the engine may be used."""
        return self._closed

    @property
    def probe_in(self) -> float | None:
        """Seconds until a probe is due, None while none is needed."""
        return None if self._closed else max(0.0, self._probe_at - self._clock())

    def succeeded(self) -> None:
        """A probe went well: close."""
        self._closed, self._delay = True, FIRST_DELAY

    def failed(self) -> None:
        """Someone's use of the engine failed: open. Nothing new if that was known."""
        if self._closed:
            self._closed = False
            self._plan()

    def probe_failed(self) -> None:
        """A probe failed: stay open, and wait longer for the next."""
        self._closed = False
        self._plan()
        self._delay = min(self._delay * 2, LONGEST_DELAY)

    def _plan(self) -> None:
        spread = 1 + _JITTER * (2 * self._chance() - 1)
        self._probe_at = self._clock() + self._delay * spread


class Prober:
    """Probes in the background whenever ``breaker`` is open, between ``start`` and ``stop``.

    ``probe`` returns when the engine is well and raises when not. ``sleep`` as asyncio's.
    """

    def __init__(
        self,
        breaker: Breaker,
        probe: Callable[[], Awaitable[None]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.breaker = breaker
        self._probe, self._sleep = probe, sleep
        self._opened = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to probe; at once, as the breaker starts open. A second call does nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="engine probe")

    async def stop(self) -> None:
        """End the probing, also in the middle of a probe."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def failed(self) -> None:
        """Report a failed use of the engine."""
        self.breaker.failed()
        self._opened.set()

    async def _run(self) -> None:
        while True:
            self._opened.clear()
            delay = self.breaker.probe_in
            if delay is None:
                await self._opened.wait()
                continue
            await self._sleep(delay)
            try:
                await self._probe()
            except Exception as error:  # whatever it is, the engine is not well
                self.breaker.probe_failed()
                log.debug("speech engine still out of reach: %s", error)
            else:
                self.breaker.succeeded()
                log.info("speech engine within reach")
