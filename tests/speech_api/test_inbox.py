"""Commands that wait: in order, bounded, never dropped."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from speech_api.inbox import BUDGET_BYTES, FRAME_BYTES, Inbox, TooBig


async def test_what_comes_first_leaves_first():
    inbox = Inbox()
    for frame in ("a", b"b", "c"):
        await inbox.put(frame)
    assert [await inbox.get(), await inbox.get()] == ["a", b"b"]
    assert inbox.take_all() == ["c"]
    assert inbox.take_all() == []


async def test_a_frame_that_is_too_big_is_not_kept():
    inbox = Inbox()
    await inbox.put("a" * (FRAME_BYTES + 1))
    assert await inbox.get() == TooBig(FRAME_BYTES + 1)


async def test_a_full_one_makes_the_writer_wait_until_there_is_room():
    inbox = Inbox()
    half = "a" * (BUDGET_BYTES // 2)
    await inbox.put(half)
    await inbox.put(half)
    third = asyncio.create_task(inbox.put("b"))
    await asyncio.sleep(0)
    assert not third.done()
    await inbox.get()
    await asyncio.wait_for(third, 1)


async def test_who_asks_first_gets_what_comes():
    inbox = Inbox()
    asking = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    await inbox.put("a")
    assert await asyncio.wait_for(asking, 1) == "a"


@given(st.lists(st.integers(0, 2 * FRAME_BYTES), max_size=30))
def test_all_arrive_in_order_however_big_they_are(sizes):
    async def through() -> list[int]:
        inbox = Inbox()
        arrived = []

        async def read() -> None:
            for _ in sizes:
                frame = await inbox.get()
                assert inbox._bytes <= BUDGET_BYTES + FRAME_BYTES + 64
                arrived.append(frame.nbytes if isinstance(frame, TooBig) else len(frame))

        async def write() -> None:
            for size in sizes:
                await inbox.put(b"x" * size)

        await asyncio.gather(read(), write())
        assert inbox._bytes == 0
        return arrived

    assert asyncio.run(through()) == sizes
