"""Answers for clients that stop reading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from speech_api import streaming
from speech_api.streaming import while_taken


class Spoken:
    """Two pieces, and whether they were closed."""

    def __init__(self) -> None:
        self.closed = False

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        try:
            yield b"a"
            yield b"b"
        finally:
            self.closed = True


async def test_who_takes_all_gets_all():
    spoken = Spoken()
    assert [piece async for piece in while_taken(spoken.pieces())] == [b"a", b"b"]
    assert spoken.closed


async def test_who_takes_no_more_is_let_go(monkeypatch):
    monkeypatch.setattr(streaming, "STALL_S", 0.02)
    spoken, taken = Spoken(), []

    async def answer() -> None:
        async with aclosing(while_taken(spoken.pieces())) as body:
            async for piece in body:
                taken.append(piece)
                await asyncio.Event().wait()  # as sending does when nobody reads

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.create_task(answer()), 10)
    assert taken == [b"a"]
    assert spoken.closed


async def test_who_waits_for_what_is_not_spoken_yet_is_not(monkeypatch):
    monkeypatch.setattr(streaming, "STALL_S", 0.02)

    async def slowly() -> AsyncGenerator[bytes, None]:
        yield b"a"
        await asyncio.sleep(0.1)
        yield b"b"

    assert [piece async for piece in while_taken(slowly())] == [b"a", b"b"]
