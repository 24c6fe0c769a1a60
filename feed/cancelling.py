"""Cancelling what may swallow that.

``asyncio.wait_for`` of Python 3.11 swallows a cancellation that meets its end, and Redis's client sends with it; so
may others' code. A task that goes on waits for ever, and so does whoever waits for its end.
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
