"""Conversations of some age, with all that a purge or an erasure has to find."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Person
from conversations.models import AudioSegment, Conversation, Turn
from dialogue.engine import Card
from dialogue.stored import stored_shape

from ..kept import keep_call, keep_conversation, keep_sound, keep_turn

WORD = "zyzzyva"


def age(conversation: Conversation, days: float) -> None:
    """Let its last turn be so long ago."""
    Conversation.objects.filter(pk=conversation.pk).update(
        last_at=timezone.now() - timedelta(days=days)
    )


def aged_conversation(days: float = 0, person: Person | None = None, **more: Any) -> Conversation:
    """A question and an answer with cards, both with sound; ``WORD`` in all that can hold words."""
    conversation = keep_conversation(
        person or Person.objects.create(),
        f"About {WORD}",
        note=f"A note on {WORD}",
        audio_ms=2000,
        turn_count=2,
        rev=2,
        **more,
    )
    call = keep_call(conversation, client_label=f"label {WORD}", ended_at=timezone.now())
    asked = keep_turn(conversation, f"Where is the {WORD}?", call=call, client_id=f"id-{WORD}")
    reply = keep_turn(
        conversation,
        f"The {WORD} is here.",
        call=call,
        heard_text=f"The {WORD}",
        heard_ms=500,
        corrected_text=f"The {WORD} was here.",
        data=stored_shape("property", "Here.", [Card(title=WORD, price="900")]),
        timings={"first_audio": 321.0},
        engines={"tts": "espeak"},
        rating=1,
    )
    keep_sound(asked)
    keep_sound(reply)
    age(conversation, days)
    conversation.refresh_from_db()
    return conversation


def segments_of(conversation: Conversation) -> list[AudioSegment]:
    return list(AudioSegment.objects.filter(turn__conversation=conversation.pk))


def turns_of(conversation: Conversation) -> list[Turn]:
    return list(Turn.objects.filter(conversation=conversation.pk).order_by("seq"))
