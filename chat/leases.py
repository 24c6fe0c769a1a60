"""The leases of all replies that calls of this process are at work on, renewed together.

One statement a second for all of them, however many people talk.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator

from conversations import recorder
from conversations.database import in_database
from conversations.lease import RENEW_S

from .where import where

log = logging.getLogger(__name__)


class Leases:
    def __init__(self, instance: str) -> None:
        self._instance = instance
        # By the ids of their replies: how much of the text there is, and whom to tell of a loss.
        self._held: dict[str, tuple[Callable[[str], str], asyncio.Event]] = {}

    @property
    def replies(self) -> list[str]:
        return list(self._held)

    @contextlib.contextmanager
    def hold(self, reply: str, text_of: Callable[[str], str]) -> Iterator[asyncio.Event]:
        """Renew the lease of a reply meanwhile; the event says that somebody else has ended it."""
        lost = asyncio.Event()
        self._held[reply] = text_of, lost
        try:
            yield lost
        finally:
            self._held.pop(reply, None)

    async def work(self) -> None:
        """Renew again and again, until cancelled."""
        while True:
            await asyncio.sleep(RENEW_S)
            if not self._held:
                continue
            texts = {reply: text_of(reply) for reply, (text_of, _) in self._held.items()}
            try:
                held = await in_database(recorder.renew_leases, self._instance, texts)
            except Exception as error:
                # It is tried again while there may still be leases.
                log.error("%d leases were not renewed: %s", len(texts), where(error))
                continue
            for reply in texts.keys() - held:
                if reply in self._held:
                    self._held[reply][1].set()
