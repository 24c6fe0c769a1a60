"""Waiting for something to become true, with a deadline and without guessing how long it takes."""

import asyncio
from collections.abc import Callable


async def until(true: Callable[[], bool], deadline: float = 5.0) -> None:
    """Let the loop turn until ``true()``; ``TimeoutError`` after ``deadline`` seconds."""
    async with asyncio.timeout(deadline):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
