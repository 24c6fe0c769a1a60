"""What the speech service has once in a process: voices, ears, limits and counts.

The engines belong to whoever assembles the server (``voicechat/asgi.py``), so that chat and speech
service share one set: ``provide`` them before the first request.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from django.conf import settings

from accounts.api_keys.limits import Limits, MemoryLimits
from accounts.api_keys.redis_limits import RedisLimits
from accounts.api_keys.usage import Usage
from conversations.database import in_database
from speech.stt.engine import Recogniser
from speech.tts.chain import Chain

from .places import Places

_ENCODERS = 2
_LISTENING = 2
RECORDINGS = 4
"""That are transcribed, or wait for it, at a time: each may take 60 MB."""


class Engines(Protocol):
    """What speaks and listens in this process."""

    @property
    def voices(self) -> Chain: ...

    @property
    def recogniser(self) -> Recogniser | None:
        """None: nothing is understood here."""

    async def start(self) -> None:
        """Make them ready; later calls wait for the first one."""
        ...


class Service:
    """``engines`` gives the engines; it is asked when they are needed first."""

    def __init__(self, engines: Callable[[], Engines], redis_url: str = "") -> None:
        self._engines = engines
        self.limits: Limits = RedisLimits(redis_url) if redis_url else MemoryLimits()
        self.usage = Usage(in_database)
        # MP3 and Opus take too long for the event loop.
        self.encoders = ThreadPoolExecutor(_ENCODERS, thread_name_prefix="speech encoder")
        # Half an hour of sound takes seconds to decode, for which no voice should wait.
        self.decoders = ThreadPoolExecutor(1, thread_name_prefix="speech decoder")
        self.recordings = Places(RECORDINGS)
        # Calls need the recogniser more.
        self.listening = asyncio.Semaphore(_LISTENING)

    @property
    def voices(self) -> Chain:
        return self._engines().voices

    @property
    def recogniser(self) -> Recogniser | None:
        return self._engines().recogniser

    async def start(self) -> None:
        await self._engines().start()

    async def stop(self) -> None:
        """No request is under way any more, or will be answered."""
        await self.usage.stop()
        await self.limits.aclose()
        for executor in (self.encoders, self.decoders):
            executor.shutdown(wait=False, cancel_futures=True)


_provided: list[Callable[[], Engines]] = []


def provide(engines: Callable[[], Engines]) -> None:
    """Say where the engines of this process come from."""
    _provided[:] = [engines]
    service.cache_clear()


@functools.cache
def service() -> Service:
    """The one of this process. ``provide`` comes first."""
    return Service(_provided[0], settings.VOICECHAT_REDIS_URL)
