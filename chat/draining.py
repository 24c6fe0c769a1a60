"""A process that is asked to end (SIGTERM) first finishes what goes on in it.

Readiness is withdrawn, and every client told when to come back. Typed turns are refused, to be sent
again elsewhere; whoever has nothing going on is sent away (1012), the others when their answer is
over, or at the limit, with the answer cut. Then the server's own handler of the signal gets it. That
is done by the process itself, because servers differ: uvicorn closes all sockets at once, daphne
drops them (pitfall 14). A second signal ends it at once.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import random
import signal
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from .process import Process
    from .runner import Runner

log = logging.getLogger(__name__)

# Clients come back over this time, so that the others are not run over: so many a second, and at most
# so long.
COME_BACK_PER_S = 100.0
COME_BACK_WITHIN_S = 4.0
# Between the limit and the end: cut replies are written.
LAST_WRITES_S = 5.0


class Draining:
    """``is_on``: the process takes no new calls and turns, and is not ready."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._task: asyncio.Task[None] | None = None
        self._listens = False
        self.is_on = False
        # For those who have no call, and nothing to finish.
        self.begun = asyncio.Event()
        # Whether the server tells when it ends; else what runs in the background is stopped here.
        self.server_has_lifespan = False

    def retry_after_s(self) -> float:
        """When a client shall come back: a moment of its own."""
        calls = len(self._process.runners)
        return round(random.uniform(0, min(COME_BACK_WITHIN_S, calls / COME_BACK_PER_S)), 2)  # noqa: S311

    async def sends_elsewhere(self, scope: Mapping[str, Any], send: Callable[..., Any]) -> bool:
        """Refuse a socket before its handshake, so that a proxy asks another instance.

        False: the process takes it, or its server (ASGI) cannot say so.
        """
        if not self.is_on or "websocket.http.response" not in (scope.get("extensions") or {}):
            return False
        headers = [(b"retry-after", str(math.ceil(self.retry_after_s())).encode())]
        await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b""})
        return True

    def listen(self) -> None:
        """Take SIGTERM before the server does. Call it in the server's loop, when that is up."""
        if self._listens or threading.current_thread() is not threading.main_thread():
            return
        self._listens = True
        loop = asyncio.get_running_loop()
        servers_own = signal.getsignal(signal.SIGTERM)

        def end() -> None:
            if callable(servers_own):
                servers_own(signal.SIGTERM, None)
            else:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGTERM)

        def asked(_number: int, _frame: FrameType | None) -> None:
            if self._task is not None or self.is_on:
                end()
                return
            self.is_on = True
            loop.call_soon_threadsafe(self._begin, end)

        signal.signal(signal.SIGTERM, asked)

    def _begin(self, end: Callable[[], Any]) -> None:
        self._task = asyncio.create_task(self._drain_then(end), name="drain")

    async def _drain_then(self, end: Callable[[], Any]) -> None:
        try:
            await self.drain(settings.VOICECHAT_DRAIN_S)
            if not self.server_has_lifespan:
                await self._process.stop()
        finally:
            end()

    async def drain(self, limit_s: float) -> None:
        """Send everybody away, and wait until what goes on is over, for ``limit_s`` at most."""
        self.is_on = True
        self.begun.set()
        calls = self._process.calls
        log.warning("ending: %d calls, %g s at most", len(calls), limit_s)
        await self._tell_all(lambda runner: runner.go_away(self.retry_after_s()))
        if calls:
            await asyncio.wait(calls, timeout=limit_s)
        await self._tell_all(lambda runner: runner.go_away(self.retry_after_s(), now=True))
        if calls := self._process.calls:
            log.warning("ending: %d calls are cut", len(calls))
            await asyncio.wait(calls, timeout=LAST_WRITES_S)

    async def _tell_all(self, tell: Callable[[Runner], Any]) -> None:
        # A call whose inbox is full must not keep the others waiting.
        telling = [self._process.hold_aside(tell(runner)) for runner in self._process.runners]
        if telling:
            await asyncio.wait(telling, timeout=1.0)
