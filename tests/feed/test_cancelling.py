from __future__ import annotations

import asyncio

from feed.cancelling import cancel


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    cancellations = 0

    async def deaf() -> None:
        nonlocal cancellations
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancellations += 1
                if cancellations == 2:
                    raise

    tasks = [asyncio.create_task(deaf()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    await cancel(tasks)
    assert all(task.cancelled() for task in tasks)


async def test_there_may_be_none() -> None:
    async with asyncio.timeout(1):
        await cancel([])
