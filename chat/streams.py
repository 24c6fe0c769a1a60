"""The streams that this process holds under ids of their clients' choice, known to all instances."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import Protocol

from conversations import streams
from conversations.database import in_database
from conversations.streams import Claim
from feed.hub import hub

from .where import where

log = logging.getLogger(__name__)

RENEW_S = streams.ALIVE_S / 3
# After a database that did not answer.
AGAIN_S = 1.0


def topic_of(id: str) -> str:
    """Where it is told that a stream has begun and ended. The id may hold what a topic may not."""
    return f"stream.{hashlib.sha256(id.encode()).hexdigest()[:40]}"


class Call(Protocol):
    """``opened``: its conversation is, or will never be; ``ended``: all that was promised is done."""

    opened: asyncio.Event
    ended: asyncio.Event

    @property
    def conversation(self) -> str | None: ...


class Streams:
    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._held: set[Claim] = set()

    async def claim(self, id: str, owner: str) -> Claim | None:
        """Take an id that nobody uses, on no instance. ``hold`` follows."""
        claim = await in_database(streams.claim, id, owner, self._instance)
        if claim is not None:
            self._held.add(claim)
        return claim

    async def hold(self, claim: Claim, call: Call) -> None:
        """Keep it until the call has ended, and tell the other instances of both."""
        try:
            await call.opened.wait()
            await self._note_conversation(claim, call)
            await call.ended.wait()
        finally:
            await self._end(claim)

    async def _note_conversation(self, claim: Claim, call: Call) -> None:
        while call.conversation is not None and not call.ended.is_set():
            try:
                await in_database(streams.note_conversation, claim, call.conversation)
            except Exception as error:
                log.error("the conversation of a stream was not noted: %s", where(error))
                await asyncio.sleep(AGAIN_S)
            else:
                await hub().publish(topic_of(claim.id), {})
                return

    async def _end(self, claim: Claim) -> None:
        self._held.discard(claim)
        try:
            await in_database(streams.end, claim)
        except Exception as error:
            # It ends all the same, when it is not renewed.
            log.error("the end of a stream was not noted: %s", where(error))
        await hub().publish(topic_of(claim.id), {})

    async def work(self) -> None:
        """Renew all of them with one statement, again and again, until cancelled."""
        while True:
            await asyncio.sleep(RENEW_S)
            if not self._held:
                continue
            try:
                await in_database(streams.renew, self._instance, frozenset(self._held))
            except Exception as error:
                log.error("%d streams were not renewed: %s", len(self._held), where(error))
