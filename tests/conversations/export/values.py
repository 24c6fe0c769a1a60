"""Conversations as plain values, for formats that need no database; and hostile text."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import Person, User
from conversations.export.kept import KeptCall, KeptConversation, KeptTurn
from conversations.models import AudioSegment, Call, Conversation, Turn
from dialogue.models import Bot

ZERO = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOSTILE = (
    '=HYPERLINK("http://x.example","a")\r\n\r\n<script>alert(1)</script> --> </v><v Bot>no & '
    "\u202egnp.exe\x07\x1b[31m\u2028,;\t'"
)


def segment(track: str, start_ms: int, duration_ms: int, **more: Any) -> AudioSegment:
    more.setdefault("key", f"test/{uuid.uuid4()}.wav")
    return AudioSegment(
        track=track, start_ms=start_ms, duration_ms=duration_ms, codec="wav", **more
    )


def turn(text: str, *segments: AudioSegment, seq: int = 0, **more: Any) -> KeptTurn:
    more.setdefault("role", Turn.Role.USER)
    more.setdefault("status", Turn.Status.DONE)
    more.setdefault("created_at", ZERO + timedelta(seconds=seq))
    return KeptTurn(Turn(text=text, seq=seq, rev=seq + 1, **more), segments)


def conversation(
    *turns: KeptTurn,
    title: str = "",
    username: str | None = None,
    tags: tuple[str, ...] = (),
    **more: Any,
) -> KeptConversation:
    user = None if username is None else User(username=username)
    row = Conversation(
        person=Person(user=user),
        bot=Bot(slug="keeper", name="Keeper"),
        title=title,
        created_at=ZERO,
        last_at=ZERO,
        **more,
    )
    call = Call(conversation=row, protocol="native", instance="one", started_at=ZERO)
    return KeptConversation(row, (KeptCall(1, call),), lambda *_call: iter(turns), tags)
