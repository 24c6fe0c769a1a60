"""What is to be uploaded: from the commits that end a turn, in threads, to the uploader on its loop."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction

from .live import Recording

# What is too much is found in the spool again.
WAITING = 10_000


class Upload(NamedTuple):
    """Recordings of one conversation whose turns are in the database."""

    conversation: uuid.UUID
    recordings: Sequence[Recording]


class Waiting:
    """A queue that threads put into and one task takes from. Drops what exceeds its bound."""

    def __init__(self) -> None:
        self._uploads: deque[Upload] = deque()
        self._lock = threading.Lock()
        self._taker: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def __len__(self) -> int:
        return len(self._uploads)

    def put(self, upload: Upload) -> None:
        """In any thread. Without a taker nothing is kept: the spool has it."""
        with self._lock:
            if self._taker is None or len(self._uploads) >= WAITING:
                return
            self._uploads.append(upload)
            loop, arrived = self._taker
            loop.call_soon_threadsafe(arrived.set)

    def open(self, arrived: asyncio.Event) -> None:
        """The caller takes from now on; ``arrived`` is set on its loop when there is something."""
        with self._lock:
            self._taker = (asyncio.get_running_loop(), arrived)

    def close(self) -> None:
        """Nobody takes any more."""
        with self._lock:
            self._taker = None
            self._uploads.clear()

    def take(self) -> Upload | None:
        with self._lock:
            return self._uploads.popleft() if self._uploads else None


waiting = Waiting()


def hand_over(conversation: uuid.UUID, recordings: Sequence[Recording]) -> None:
    """Have these uploaded when the transaction is committed."""
    if not recordings:
        return

    # Not a lambda: Django's log of a failed call wants a name.
    def put() -> None:
        waiting.put(Upload(conversation, recordings))

    transaction.on_commit(put, robust=True)
