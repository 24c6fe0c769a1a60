"""Ends tasks that wait for a channel layer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

CANCEL_AGAIN_S = 0.2


async def cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel them until all have ended.

    channels-redis can swallow a cancellation that meets an arriving message: then it is asked again.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=CANCEL_AGAIN_S)
