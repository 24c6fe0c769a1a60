"""Rows to test with: conversations, turns and their sound."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from django.core.files.base import ContentFile
from django.test import Client

from accounts.models import Person, User
from accounts.people import SESSION_KEY
from conversations import media
from conversations.models import AudioSegment, Call, Conversation, Turn
from dialogue.models import Bot


def keep_conversation(
    person: Person, title: str = "About the weather", **more: Any
) -> Conversation:
    bot, _ = Bot.objects.get_or_create(slug="keeper", defaults={"name": "Keeper"})
    return Conversation.objects.create(person=person, bot=bot, title=title, **more)


def keep_turn(conversation: Conversation, text: str = "Hello", **more: Any) -> Turn:
    seq = conversation.turns.count()
    more.setdefault("role", Turn.Role.ASSISTANT if seq % 2 else Turn.Role.USER)
    more.setdefault("status", Turn.Status.DONE)
    Conversation.objects.filter(pk=conversation.pk).update(next_seq=seq + 1)
    return Turn.objects.create(conversation=conversation, seq=seq, rev=seq + 1, text=text, **more)


def keep_call(conversation: Conversation, **more: Any) -> Call:
    more.setdefault("started_at", datetime(2026, 5, 4, 12, tzinfo=UTC))
    return Call.objects.create(conversation=conversation, protocol="native", instance="one", **more)


def keep_sound(
    turn: Turn, content: bytes = b"RIFF sound", codec: str = "wav", start_ms: int = 0
) -> AudioSegment:
    """Sound of whoever's turn it is."""
    key = media.storage().save(f"test/{uuid.uuid4()}.{codec}", ContentFile(content))
    track = AudioSegment.Track
    return AudioSegment.objects.create(
        turn=turn,
        track=track.PERSON if turn.role == Turn.Role.USER else track.BOT,
        start_ms=start_ms,
        duration_ms=1000,
        key=key,
        codec=codec,
        size=len(content),
    )


def guest_of(client: Client) -> Person:
    """Make ``client`` a guest."""
    guest = Person.objects.create()
    session = client.session
    session[SESSION_KEY] = str(guest.pk)
    session.save()
    return guest


def user_of(client: Client, name: str = "ann") -> Person:
    """Log ``client`` in as a new user."""
    user = User.objects.create_user(name)
    client.force_login(user)
    return Person.objects.create(user=user)
