"""Sends an export while it is made: each piece in a thread, when the one before is on its way.

Under ASGI Django reads a synchronous iterator to its end before it sends anything; this one is
asynchronous. Between two pieces no thread and no connection to the database is held, so that a slow
client costs a few megabytes and nothing else.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

from channels.db import database_sync_to_async

log = logging.getLogger(__name__)

# Apart from all others: mixing sound and packing take long, and calls must not wait for them.
POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="export")


class End(StrEnum):
    """How sending ended: all is sent, the client left before, or something broke."""

    FINISHED = "finished"
    LEFT = "left"
    FAILED = "failed"


class Places:
    """How many exports are being sent. Counted in this process, on the event loop or in its threads."""

    def __init__(self, of_all: int, of_one: int) -> None:
        self._of_all, self._of_one = of_all, of_one
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def are_free(self, who: str) -> bool:
        """Whether ``who`` may begin another one."""
        with self._lock:
            return self._taken[who] < self._of_one and self._taken.total() < self._of_all

    def take(self, who: str) -> None:
        with self._lock:
            self._taken[who] += 1

    def leave(self, who: str) -> None:
        with self._lock:
            self._taken[who] -= 1
            self._taken += Counter()  # drops those at zero


class SentExport:
    """The content of a response. The response closes it when it ends or the client leaves.

    ``on_end`` is called once, in a thread, if sending has begun.
    """

    def __init__(
        self,
        pieces: Generator[bytes, None, None],
        places: Places,
        who: str,
        on_end: Callable[[End], None] = lambda _end: None,
        pool: ThreadPoolExecutor | None = None,
    ) -> None:
        self._pieces = pieces
        self._places = places
        self._who = who
        self._on_end = on_end
        self._pool = pool or POOL
        self._lock = threading.Lock()  # a generator that is running cannot be closed
        self._is_begun = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._is_begun = True
        self._places.take(self._who)
        next_piece = database_sync_to_async(self._next, thread_sensitive=False, executor=self._pool)
        while piece := await next_piece():
            yield piece

    def close(self) -> None:
        """Does not wait: what is being made is finished first, in its thread."""
        self._pool.submit(self._end, End.LEFT)

    def _next(self) -> bytes:
        with self._lock:
            try:
                piece = next(self._pieces, b"")
            except Exception:
                self._finish(End.FAILED)
                raise
            if not piece:
                self._finish(End.FINISHED)
            return piece

    def _end(self, end: End) -> None:
        with self._lock:
            self._pieces.close()
            self._finish(end)

    def _finish(self, end: End) -> None:
        if self._is_begun:
            self._is_begun = False
            self._places.leave(self._who)
            self._on_end(end)
