"""The tasks of one call, each held by its name, and lanes for work that keeps its order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from feed.cancelling import cancel

from .log_context import about_turn
from .where import where

log = logging.getLogger(__name__)

LANE_JOBS = 1_000

Job = Callable[[], Awaitable[None]]


class Tasks:
    """Tasks by name; one that fails is logged and forgotten."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, work: Coroutine[Any, Any, None], turn: str = "") -> None:
        """``turn``: the one that the log of it is about."""
        with about_turn(turn):
            task = asyncio.create_task(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._forget(name, done))

    def stop(self, name: str) -> None:
        """Cancel the task of this name, if it still runs."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()

    async def stop_all(self) -> None:
        """Cancel them and wait for their ends. Bots and engines are others' code, and may take twice."""
        await cancel(list(self._tasks.values()))

    def _forget(self, name: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is task:
            del self._tasks[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed: %s", name, where(error))


class Lane:
    """Jobs done one after the other, by whoever runs ``work``."""

    def __init__(self) -> None:
        self._jobs: asyncio.Queue[tuple[Job, str]] = asyncio.Queue(LANE_JOBS)

    def put(self, job: Job, turn: str = "") -> None:
        """Raises ``asyncio.QueueFull`` when a thousand wait: nothing gets through any more.

        ``turn``: the one that the log of it is about.
        """
        self._jobs.put_nowait((job, turn))

    async def work(self) -> None:
        while True:
            job, turn = await self._jobs.get()
            with about_turn(turn):
                try:
                    await job()
                except Exception as error:
                    log.error("a job failed: %s", where(error))
                finally:
                    self._jobs.task_done()

    async def drain(self) -> None:
        """Wait until all that was put has been done."""
        await self._jobs.join()
