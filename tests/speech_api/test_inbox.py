"""Commands that wait: in order, bounded, none without an answer."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech_api import inbox as module
from speech_api.errors import SpeechError
from speech_api.inbox import BUDGET_BYTES, FRAME_BYTES, REFUSED_BYTES, Inbox, Refused

HALF = "a" * (BUDGET_BYTES // 2)


@pytest.fixture
def inbox() -> Inbox:
    """The id of a command is what it begins with."""
    return Inbox(lambda frame: str(frame[:3]))


def told(frame: object) -> tuple[object, str]:
    assert isinstance(frame, Refused)
    return frame.request_id, frame.error.code


async def test_what_comes_first_leaves_first(inbox):
    for frame in ("a", b"b", "c"):
        await inbox.put(frame)
    assert [await inbox.get(), await inbox.get()] == ["a", b"b"]
    assert inbox.take_all() == ["c"]
    assert inbox.take_all() == []


async def test_a_frame_that_is_too_big_is_refused_in_its_place(inbox):
    for frame in ("a", "b" * (FRAME_BYTES + 1), "c"):
        await inbox.put(frame)
    assert await inbox.get() == "a"
    assert told(await inbox.get()) == (None, "command_too_big")
    assert await inbox.get() == "c"


async def test_a_full_one_makes_the_writer_wait_until_there_is_room(inbox):
    await inbox.put(HALF)
    await inbox.put(HALF)
    third = asyncio.create_task(inbox.put("b"))
    await asyncio.sleep(0)
    assert not third.done()
    await inbox.get()
    await asyncio.wait_for(third, 1)


async def test_what_finds_no_room_for_long_is_refused_in_its_place(inbox, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.01)
    await inbox.put(HALF)
    await inbox.put(HALF)
    await inbox.put("id1 too late")
    # Nobody waits again for each of the next: behind them the answer to a ping may be.
    monkeypatch.setattr(module, "PATIENCE_S", 1000)
    await asyncio.wait_for(inbox.put("id2 too late"), 1)
    await inbox.get()
    await inbox.put("in time")
    await inbox.get()
    assert told(await inbox.get()) == ("id1", "too_many_waiting")
    assert told(await inbox.get()) == ("id2", "too_many_waiting")
    assert await inbox.get() == "in time"


async def test_who_goes_on_for_ever_is_sent_away(inbox, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.01)
    await inbox.put(HALF)
    await inbox.put(HALF)
    for _ in range(1000):
        await inbox.put("id1 too late")

    async def go_on() -> None:
        for _ in range(REFUSED_BYTES):
            await inbox.put("id1 too late")

    with pytest.raises(SpeechError) as error:
        await go_on()
    assert (error.value.status, error.value.code) == (429, "too_many_waiting")
    assert len(inbox.take_all()) >= 1002
    await inbox.put("a")


async def test_who_asks_first_gets_what_comes(inbox):
    asking = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    await inbox.put("a")
    assert await asyncio.wait_for(asking, 1) == "a"


@given(st.lists(st.integers(0, 2 * FRAME_BYTES), max_size=30))
def test_all_arrive_in_order_however_big_they_are(sizes):
    async def through() -> list[int | None]:
        inbox = Inbox(lambda _frame: None)
        arrived = []

        async def read() -> None:
            for _ in sizes:
                frame = await inbox.get()
                assert inbox._bytes <= BUDGET_BYTES + FRAME_BYTES + 64
                arrived.append(None if isinstance(frame, Refused) else len(frame))

        async def write() -> None:
            for size in sizes:
                await inbox.put(b"x" * size)

        await asyncio.gather(read(), write())
        assert (inbox._bytes, inbox._refused_bytes) == (0, 0)
        return arrived

    assert asyncio.run(through()) == [size if size <= FRAME_BYTES else None for size in sizes]
