"""Whether this process should be sent visitors: what it stands on answers, and it is not on its way out."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from conversations import media
from conversations.database import in_database
from conversations.store_probe import probe_store

from .process import process

# Longer than that nobody wants to wait for a part either.
TIMEOUT_S = 2.0
# An answer holds for so long: however often it is asked for, the parts are not.
FRESH_S = 1.0
OK = "ok"

Probe = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Report:
    """``parts``: by name ``ok``, or the kind of the error; never its message, which may hold a secret."""

    parts: Mapping[str, str]
    draining: bool

    @property
    def ready(self) -> bool:
        return not self.draining and all(found == OK for found in self.parts.values())


class Readiness:
    """Asks each of ``parts``; a probe returns when its part is well, and raises when not."""

    def __init__(
        self,
        parts: Mapping[str, Probe],
        timeout_s: float = TIMEOUT_S,
        *,
        is_draining: Callable[[], bool] = lambda: False,
    ) -> None:
        """``is_draining``: the process was asked to stop, and is ready for nobody."""
        self._parts = parts
        self._is_draining = is_draining
        self._timeout_s = timeout_s
        self._probes: dict[str, asyncio.Task[None]] = {}
        self._found: dict[str, tuple[str, float]] = {}

    async def report(self) -> Report:
        """Takes no longer than the time-out, whatever hangs."""
        found = await asyncio.gather(*(self._look(part) for part in self._parts))
        return Report(dict(zip(self._parts, found, strict=True)), self._is_draining())

    @property
    def last(self) -> Mapping[str, str]:
        """What was found of each part when it was last asked; without I/O."""
        return {part: found for part, (found, _) in self._found.items()}

    async def _look(self, part: str) -> str:
        found, at = self._found.get(part, ("", float("-inf")))
        if time.monotonic() - at < FRESH_S:
            return found
        # One that hangs goes on: more of its kind would only fill the threads that it waits in.
        probe = self._probes.get(part)
        if probe is None or probe.done():
            probe = self._probes[part] = asyncio.create_task(self._ask(part), name=f"probe {part}")
        done, _ = await asyncio.wait([probe], timeout=self._timeout_s)
        if done:
            error = probe.exception()
            found = OK if error is None else type(error).__name__
        else:
            found = "TimeoutError"
        self._found[part] = (found, time.monotonic())
        return found

    async def _ask(self, part: str) -> None:
        await self._parts[part]()


@functools.cache
def readiness() -> Readiness:
    """That of this process."""
    parts: dict[str, Probe] = {"database": _ask_database, "store": _ask_store}
    if settings.VOICECHAT_REDIS_URL:
        parts["redis"] = _ask_redis
    return Readiness(parts, is_draining=lambda: process().draining.is_on)


async def _ask_database() -> None:
    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    await in_database(ask)


async def _ask_redis() -> None:
    await process().counters.ping()


async def _ask_store() -> None:
    await asyncio.to_thread(probe_store, media.storage())
