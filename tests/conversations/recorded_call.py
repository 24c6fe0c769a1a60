"""A call with the voices of people in it, stored through the recorder as a live one is."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from asgiref.sync import async_to_sync
from django.utils import timezone

from accounts.models import Person
from conversations import recorder
from conversations.models import AudioSegment, Conversation
from conversations.recorder import LiveCall, Recording
from conversations.spool import Spool
from conversations.stored import FinishedReply
from conversations.transcoder import Transcoder
from dialogue.bots import default_bot
from dialogue.engine import Card
from speech.pcm import duration_ms
from tests.speech.recordings import Recording as Voice
from tests.speech.recordings import cards, readings

HEARD_WORDS = 4
PAUSE_MS = 700
HEARD = {"transcript": 161.2, "endpoint": 203.9}
ANSWERED = HEARD | {
    "stored": 209.4,
    "first_text": 318.0,
    "first_sentence": 371.6,
    "first_sound": 388.3,
    "first_audio": 431.5,
    "text_end": 655.0,
}


@dataclass(frozen=True)
class Said:
    """One turn: whose, and where its sound lies on the timeline, in ms."""

    turn: str
    track: str
    start_ms: int
    end_ms: int
    voice: Voice


def record_call(person: Person, spool: Path) -> tuple[Conversation, list[Said]]:
    """Two questions and two answers; the first answer was cut off, the second has a card."""
    call = LiveCall(
        id=str(uuid.uuid4()),
        conversation=str(uuid.uuid4()),
        person=str(person.pk),
        bot_id=default_bot().pk,
        language="en",
        protocol="voice-chat-1",
        instance="here",
        started_at=timezone.now() - timedelta(minutes=1),
        is_new=True,
    )
    said: list[Said] = []
    at_ms = 400
    for number, (question, answer) in enumerate(zip(cards(), readings()[:2], strict=False)):
        turn, reply = str(uuid.uuid4()), str(uuid.uuid4())
        asked, at_ms = _spooled(spool, turn, "person", question, 16_000, at_ms)
        recorder.begin_turn(
            call,
            turn_id=turn,
            reply_id=reply,
            client_id=None,
            text=question.text,
            start_ms=asked.start_ms,
            timings=HEARD,
            engines={"stt": "pocketsphinx:en-us"},
        )
        call = replace(call, is_new=False, is_open=True)
        answered, end_ms = _spooled(spool, reply, "bot", answer, 24_000, at_ms + PAUSE_MS)
        said += [
            Said(turn, "person", asked.start_ms, at_ms, question),
            Said(reply, "bot", answered.start_ms, end_ms, answer),
        ]
        finished = _finished(reply, answer, end_ms - answered.start_ms, was_cut=number == 0)
        recorder.write_conversation_data_into_database(call, finished, (asked, answered))
        at_ms = end_ms + PAUSE_MS
    async_to_sync(_made_small)(call.conversation)
    return Conversation.objects.get(pk=call.conversation), said


def _finished(reply: str, voice: Voice, ms: int, *, was_cut: bool) -> FinishedReply:
    text = voice.text.capitalize() + "."
    heard = " ".join(text.split()[:HEARD_WORDS]) if was_cut else text
    mill = Card(title="Mill Lane 4", subtitle="Two rooms", price="£900", url="https://x.example/4")
    return FinishedReply(
        id=reply,
        kind="generic" if was_cut else "property",
        status="interrupted" if was_cut else "done",
        text=text,
        cards=() if was_cut else ({"title": mill.title, "subtitle": mill.subtitle,
                                   "price": mill.price, "url": mill.url},),
        heard_text=heard,
        heard_ms=ms,
        timings=ANSWERED | {"ended": ANSWERED["first_audio"] + ms},
        engines={"dialogue": "builtin", "tts": "espeak:en-us"},
    )  # fmt: skip


def _spooled(
    spool: Path, turn: str, track: str, voice: Voice, rate: int, start_ms: int
) -> tuple[Recording, int]:
    """The sound, and where it ends."""
    pcm = voice.pcm(rate)

    async def spooled() -> Recording:
        sound = Spool(spool, turn, track, rate)
        await sound.append(pcm)
        file = await sound.close()
        assert file is not None
        return Recording(file, start_ms)

    return async_to_sync(spooled)(), start_ms + round(duration_ms(len(pcm), rate))


async def _made_small(conversation: str) -> None:
    """As the server does in the background: MP3s, and the peaks of the waveform."""
    transcoder = Transcoder()
    await transcoder.start()
    try:
        for _ in range(600):
            large = AudioSegment.objects.filter(turn__conversation=conversation, codec="wav")
            if not await large.aexists():
                return
            await asyncio.sleep(0.1)
        raise AssertionError("recordings are not made small")
    finally:
        await transcoder.stop()
