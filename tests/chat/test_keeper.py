"""What a call wants kept and read, while the database is away and when it is back."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError
from django.utils import timezone

from accounts.admission import Visitor
from chat import events as ev
from chat import keeper
from chat.keeper import Keeper
from chat.limits.limiter import Place
from chat.process import process
from conversations.live import LiveCall


async def test_however_often_it_had_to_be_put_off_what_changed_is_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away, asked, told = True, list[int](), asyncio.Queue[ev.Event]()

    async def catch_up(_call: LiveCall, rev: int) -> ev.CaughtUp:
        asked.append(rev)
        if away:
            raise OperationalError
        return ev.CaughtUp(9, ())

    monkeypatch.setattr(keeper, "catch_up", catch_up)
    monkeypatch.setattr(keeper, "AGAIN_S", 0.05)
    ids = [str(uuid.uuid4()) for _ in range(3)]
    call = LiveCall(*ids, 1, "en", "voice-chat-1", "here", timezone.now())
    anna = Visitor("anna", "Anna", is_guest=True, user=AnonymousUser(), session=None)
    kept = Keeper(call, anna, Place("192.0.2.1"), process(), tell=told.put, share=lambda told: None)
    working = asyncio.create_task(kept.work())
    for rev in (7, 3, 5):
        kept.catch_up(rev)
    await kept.drain()
    assert asked == [7, 3, 5]
    away = False
    async with asyncio.timeout(5):
        assert await told.get() == ev.CaughtUp(9, ())
    await asyncio.sleep(0.2)
    assert asked == [7, 3, 5, 3]
    working.cancel()
