"""Ends what processes that died have left behind, and tells that the calls of this one go on."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from conversations import recorder, spool
from conversations.database import in_database
from conversations.lease import SWEEP_S, Watch, database_clock
from conversations.stored import StoredTurn

from .messages import TurnChanged
from .sharing import share
from .where import where

log = logging.getLogger(__name__)

# Sound in the spool that nobody has touched for so long is nobody's, or was left behind.
TIDY_S = 3600.0


class Sweeper:
    def __init__(
        self,
        instance: str,
        spool_directory: Path,
        calls_going_on: Callable[[], list[str]],
        replies_held: Callable[[], list[str]],
    ) -> None:
        """What goes on here lives, whatever the clock says of its leases."""
        self._instance = instance
        self._spool_directory = spool_directory
        self._calls_going_on = calls_going_on
        self._replies_held = replies_held
        self._watch = Watch()
        self._seen_at = -recorder.SEEN_EVERY_S
        self._tidied_at = -TIDY_S

    async def work(self) -> None:
        """Sweep again and again, until cancelled."""
        while True:
            try:
                await self._sweep()
            except Exception as error:
                log.error("the sweep failed and is tried again: %s", where(error))
            await asyncio.sleep(SWEEP_S)

    async def _sweep(self) -> None:
        now = time.monotonic()
        if now - self._seen_at > recorder.SEEN_EVERY_S:
            await in_database(recorder.see_calls, self._calls_going_on())
            self._seen_at = now
        for conversation, turn in await in_database(self._end_expired):
            await share(conversation, self._instance, TurnChanged(turn, turn.rev))
        if now - self._tidied_at > TIDY_S:
            # Before it is done: a spool that cannot be tidied must not be tried with every sweep.
            self._tidied_at = now
            await in_database(self._tidy_spool)

    def _end_expired(self) -> list[tuple[str, StoredTurn]]:
        clock: datetime = database_clock()
        if not self._watch.may_end(clock, time.monotonic()):
            return []
        return recorder.end_expired(self._spool_directory, self._replies_held())

    def _tidy_spool(self) -> None:
        wanted = functools.partial(recorder.is_sound_wanted, self._spool_directory)
        spool.remove_abandoned(self._spool_directory, wanted, TIDY_S)
