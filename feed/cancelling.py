"""Cancelling what may swallow that.

Redis's client can swallow a cancellation that meets an answer, and so can ``asyncio.wait_for`` of Python 3.11,
on which others' code stands. A task that goes on waits for ever, and so does whoever waits for its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

# Longer than a task takes that puts things away.
AGAIN_S = 3.0


@contextmanager
def cancellable() -> Iterator[None]:
    """Raises CancelledError at the end if the task was cancelled within, and that was swallowed."""
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    try:
        yield
    finally:
        if task.cancelling() > before:
            raise asyncio.CancelledError


async def cancel(tasks: Iterable[asyncio.Task[None]], again_s: float = AGAIN_S) -> None:
    """Cancel them until all have ended, again after ``again_s`` each time."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=again_s)
