"""Purges once a day and scrubs after deletions, in the server itself, so that it just happens.

Both go in small steps with pauses, as ``in_database`` calls between those of people who talk: on
SQLite they share one thread. Of many instances one purges in a day, the first that says so in the
cache they share; two at once would do no harm, only the same work.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Iterator

from django.core.cache import cache
from django.db import connection

from ..database import in_database
from . import scrubbing
from .ages import Kind, days_ago, days_kept, is_anything_purged
from .purging import purge_some

log = logging.getLogger(__name__)

# A start has better things to do.
FIRST_S = 60.0
# Who is to purge is asked so often; whoever does has it for nearly a day.
ASKED_EVERY_S = 3600.0
DAY_S = 23 * 3600
DAYS_KEY = "retention.purged_today"
BATCH = 10
LOOK_S = 30.0
# Merging the index of a million turns takes seconds; in all it may take a hundredth of the time.
REST = 100
_OVER = object()


class Retention:
    """Runs from ``start`` to ``stop``."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """On the event loop."""
        scrubbing.ask()  # the process before may have been stopped in the middle
        self._tasks = [asyncio.create_task(self._scrub(), name="scrubbing")]
        if is_anything_purged():
            self._tasks.append(asyncio.create_task(self._purge(), name="purge"))

    async def stop(self) -> None:
        """Whatever is being done stops after the step at hand."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _purge(self) -> None:
        await asyncio.sleep(FIRST_S)
        while True:
            await _tried(purge_once_a_day)
            await asyncio.sleep(ASKED_EVERY_S)

    async def _scrub(self) -> None:
        # Nothing here can be scrubbed by a server but SQLite's file.
        if connection.vendor != "sqlite":
            return
        pause = LOOK_S
        while True:
            await asyncio.sleep(pause)
            began = time.monotonic()
            if scrubbing.is_asked():
                await _tried(scrub)
            pause = max(LOOK_S, REST * (time.monotonic() - began))


async def purge_once_a_day() -> None:
    """Delete what is too old, unless some instance has begun that today."""
    if not await asyncio.to_thread(cache.add, DAYS_KEY, 1, DAY_S):
        return
    try:
        for kind in Kind:
            days = days_kept(kind)
            if days is not None:
                await _purge(kind, days)
    except BaseException:
        # Stopped in the middle as well: whoever starts next goes on, and not only tomorrow.
        await asyncio.to_thread(cache.delete, DAYS_KEY)
        raise


async def scrub() -> None:
    """Make what was deleted unreadable in SQLite's file."""
    steps = scrubbing.steps()
    is_over = False
    while not is_over:
        is_over = await in_database(_take, steps)


def _take(steps: Iterator[None]) -> bool:
    """Take one step; whether there was none. (A StopIteration could not leave a coroutine.)"""
    return next(steps, _OVER) is _OVER


async def _purge(kind: Kind, days: int) -> None:
    some = functools.partial(purge_some, kind, days_ago(days), size=BATCH)
    count = 0
    began = time.monotonic()
    batch = await in_database(some)
    while batch is not None:
        count += batch.purged.conversations
        # Half of the time belongs to the others.
        await asyncio.sleep(time.monotonic() - began)
        began = time.monotonic()
        batch = await in_database(some, after=batch.place)
    if count:
        log.info("deleted the %s of %d conversations for its age", kind, count)


async def _tried(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except Exception as error:  # without its text: it may quote what people said
        log.error("retention: %s; it is tried again", type(error).__name__)
