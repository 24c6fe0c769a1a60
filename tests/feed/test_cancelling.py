"""A cancellation that is swallowed is raised all the same, or asked for again."""

from __future__ import annotations

import asyncio

import pytest

from feed.cancelling import cancel, cancellable


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
    await cancel(tasks, again_s=0.01)
    assert all(task.cancelled() for task in tasks)


async def test_there_may_be_none() -> None:
    async with asyncio.timeout(1):
        await cancel([])


class TestCancellable:
    @pytest.mark.parametrize("error", [None, ConnectionError()])
    async def test_a_cancellation_that_is_swallowed_is_raised_all_the_same(
        self, error: Exception | None
    ) -> None:
        began = asyncio.Event()

        async def swallow() -> None:
            began.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if error is not None:
                    raise error from None

        async def work() -> None:
            with cancellable():
                await swallow()

        task = asyncio.create_task(work())
        await began.wait()
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()

    async def test_who_is_being_cancelled_may_still_put_things_away(self) -> None:
        put_away: list[str] = []

        async def work() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                with cancellable():
                    await asyncio.sleep(0)
                put_away.append("all of it")

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()
        assert put_away

    async def test_a_timeout_is_no_cancellation(self) -> None:
        with pytest.raises(TimeoutError), cancellable():
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)

    async def test_what_goes_well_or_fails_is_left_alone(self) -> None:
        with cancellable():
            await asyncio.sleep(0)
        with pytest.raises(KeyError), cancellable():
            raise KeyError
