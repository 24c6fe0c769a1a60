"""A call that goes on, and what is written of it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from asgiref.sync import async_to_sync
from django.utils import timezone

from conversations import recorder, spool
from conversations.models import Turn
from conversations.recorder import LiveCall, Recording, SaidBefore
from conversations.spool import Spool
from conversations.stored import FinishedReply
from dialogue.bots import default_bot


def a_call(**fields: object) -> LiveCall:
    call = LiveCall(
        id=str(uuid.uuid4()),
        conversation=str(uuid.uuid4()),
        person=str(uuid.uuid4()),
        bot_id=default_bot().pk,
        language="en",
        protocol="voice-chat-1",
        instance="here",
        started_at=timezone.now(),
        is_new=True,
    )
    return replace(call, **fields)  # type: ignore[arg-type]


def begin(call: LiveCall, text: str = "Hello?", **fields: object) -> recorder.BegunTurn:
    known = {"turn_id": str(uuid.uuid4()), "reply_id": str(uuid.uuid4()), "client_id": None}
    return recorder.begin_turn(call, text=text, **known | fields)  # type: ignore[arg-type]


def done(reply: str, text: str = "Hi.", status: str = "done", **fields: object) -> FinishedReply:
    return FinishedReply(reply, "generic", status, text, **fields)  # type: ignore[arg-type]


def unasked(text: str = "Welcome.", *recordings: Recording, **fields: object) -> SaidBefore:
    reply = FinishedReply(str(uuid.uuid4()), "greeting", "done", text, **fields)  # type: ignore[arg-type]
    return SaidBefore(reply, recordings)


def recorded(
    directory: Path, turn: str, track: str = "bot", part: int = 0, start_ms: int = 120
) -> Recording:
    """Half a second of a turn's sound."""

    async def spooled() -> spool.SpoolFile | None:
        sound = Spool(directory, turn, track, 8_000, part)
        await sound.append(b"\1\0" * 4_000)
        return await sound.close()

    file = async_to_sync(spooled)()
    assert file is not None
    return Recording(file, start_ms)


def expire(reply: str) -> None:
    Turn.objects.filter(pk=reply).update(lease_until=timezone.now() - timedelta(seconds=1))
