"""What is on its way to one client: in order, bounded in bytes, written by one task.

The server's own buffers cannot be trusted to push back (pitfall 13). A client that leaves more than
``BUDGET_BYTES`` unread for ``PATIENCE_S`` is not reading; ``put`` says so, and its socket is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Protocol

from .protocols.base import Frame

BUDGET_BYTES = 2 * 1024 * 1024
LIMIT_BYTES = 16 * 1024 * 1024
PATIENCE_S = 5.0
CLOSE_TIMEOUT_S = 5.0
# Servers raise one or the other for a socket that has just gone.
GONE = (OSError, RuntimeError)


class Transport(Protocol):
    """The socket: what the consumer gives its runner."""

    async def send_frame(self, frame: Frame) -> None: ...

    async def close_socket(self, code: int) -> None: ...


class Outbox:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._queue: asyncio.Queue[Frame | int] = asyncio.Queue()
        self.waiting_bytes = 0
        # When the frame that is being written was begun; infinite while none is.
        self._writing_since = float("inf")
        self._closed = False
        self._aborted = False

    def put(self, frames: Sequence[Frame]) -> bool:
        """Queue frames. False, once: the client does not read, and nothing more is taken."""
        if self._closed:
            return True
        # One large frame to a client that reads is no fault of the client's.
        unread_s = time.monotonic() - self._writing_since
        over = self.waiting_bytes > BUDGET_BYTES and unread_s > PATIENCE_S
        self._closed = over or self.waiting_bytes > LIMIT_BYTES
        for frame in frames:
            self.waiting_bytes += len(frame)
            self._queue.put_nowait(frame)
        return not self._closed

    def close(self, code: int) -> None:
        """Close the socket when all before has been written; nothing is taken after."""
        if not self._closed:
            self._closed = True
            self._queue.put_nowait(code)

    async def abort(self, code: int, last: Sequence[Frame] = ()) -> None:
        """Close at once, with ``last`` instead of what waits. Gives up on a socket that hangs. Once is enough."""
        self._closed = True
        if self._aborted:
            return
        self._aborted = True
        with contextlib.suppress(TimeoutError, *GONE):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                for frame in last:
                    await self._transport.send_frame(frame)
                await self._transport.close_socket(code)

    async def write(self) -> None:
        """Write until closed. Ends quietly when the socket is gone."""
        while True:
            item = await self._queue.get()
            try:
                if isinstance(item, int):
                    await self._transport.close_socket(item)
                    return
                self._writing_since = time.monotonic()
                await self._transport.send_frame(item)
                self._writing_since = float("inf")
                self.waiting_bytes -= len(item)
            except GONE:
                # Its consumer is told by a disconnect of its own.
                self._closed = True
                return
