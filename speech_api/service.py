"""What the speech service has once in a process: voices, ears, limits and counts.

Most of it belongs to whoever assembles the server (``voicechat/asgi.py``), so that chat and speech
service share it: ``provide`` it before the first request.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from accounts.api_keys.usage import Usage
from feed.limits.counters import Counters
from feed.limits.refusals import Refusals
from speech.stt.engine import Recogniser
from speech.tts.chain import Chain

from .places import Places

_ENCODERS = 2
_LISTENING = 2
RECORDINGS = 4
"""That are transcribed, or wait for it, at a time: each may take 60 MB."""


class Shared(Protocol):
    """What speaks, listens and counts in this process, for calls as well. It stops by itself."""

    @property
    def counters(self) -> Counters: ...

    @property
    def refused_keys(self) -> Refusals: ...

    @property
    def key_usage(self) -> Usage: ...

    @property
    def voices(self) -> Chain: ...

    @property
    def recogniser(self) -> Recogniser | None:
        """None: nothing is understood here."""

    async def start(self) -> None:
        """Make them ready; later calls wait for the first one."""
        ...


class Service:
    """``shared`` is asked when something of it is needed first."""

    def __init__(self, shared: Callable[[], Shared]) -> None:
        self._shared = shared
        # MP3 and Opus take too long for the event loop.
        self.encoders = ThreadPoolExecutor(_ENCODERS, thread_name_prefix="speech encoder")
        # Half an hour of sound takes seconds to decode, for which no voice should wait.
        self.decoders = ThreadPoolExecutor(1, thread_name_prefix="speech decoder")
        self.recordings = Places(RECORDINGS)
        # Calls need the recogniser more.
        self.listening = asyncio.Semaphore(_LISTENING)

    @property
    def voices(self) -> Chain:
        return self._shared().voices

    @property
    def recogniser(self) -> Recogniser | None:
        return self._shared().recogniser

    @property
    def counters(self) -> Counters:
        return self._shared().counters

    @property
    def refused_keys(self) -> Refusals:
        return self._shared().refused_keys

    @property
    def usage(self) -> Usage:
        return self._shared().key_usage

    async def start(self) -> None:
        await self._shared().start()

    def stop(self) -> None:
        """No request is under way any more, or will be answered."""
        for executor in (self.encoders, self.decoders):
            executor.shutdown(wait=False, cancel_futures=True)


_provided: list[Callable[[], Shared]] = []


def provide(shared: Callable[[], Shared]) -> None:
    """Say where all that comes from."""
    _provided[:] = [shared]
    service.cache_clear()


@functools.cache
def service() -> Service:
    """The one of this process. ``provide`` comes first."""
    return Service(_provided[0])
