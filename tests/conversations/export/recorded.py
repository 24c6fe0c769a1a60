"""Kept conversations with the voices of people, and exports read again."""

from __future__ import annotations

import io
import json
import wave
import zipfile
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
from asgiref.sync import async_to_sync
from django.http import HttpResponseBase

from accounts.models import Person
from conversations import media
from conversations.export.formats import Format
from conversations.export.zipped import zip_of
from conversations.models import AudioSegment, Conversation, Turn
from speech.codecs import Codec, encode
from speech.pcm import duration_ms
from tests.speech.recordings import Recording, cards

from ..kept import keep_call, keep_conversation, keep_sound, keep_turn

EVERYTHING = frozenset(Format)


def keep_recording(
    turn: Turn, recording: Recording, start_ms: int, codec: Codec = "wav", rate: int = 16_000
) -> AudioSegment:
    """The voice of a person as the sound of ``turn``."""
    pcm = recording.pcm(rate)
    segment = keep_sound(turn, encode(pcm, rate, codec), codec, start_ms)
    segment.duration_ms = round(duration_ms(len(pcm), rate))
    segment.save()
    return segment


def keep_two_calls(person: Person, title: str = "Cards") -> Conversation:
    """A conversation of two calls: a question and a reply that was cut off; later one more."""
    first, second, third, *_ = cards()
    conversation = keep_conversation(person, title)
    call = keep_call(conversation)
    asked = keep_turn(conversation, first.text, call=call, start_ms=1000)
    keep_recording(asked, first, 1000)
    reply = keep_turn(
        conversation,
        second.text,
        call=call,
        start_ms=4000,
        status=Turn.Status.INTERRUPTED,
        heard_text=second.text.split()[0],
        heard_ms=500,
    )
    keep_recording(reply, second, 4000, "mp3", 24_000)
    later = keep_call(conversation, started_at=datetime(2026, 5, 5, 12, tzinfo=UTC))
    keep_recording(keep_turn(conversation, third.text, call=later, start_ms=0), third, 0, "opus")
    return conversation


def exported(
    conversations=None, formats: frozenset[Format] = EVERYTHING, **more
) -> zipfile.ZipFile:
    """A whole export, checked by its check sums."""
    if conversations is None:
        conversations = Conversation.objects.all()
    return opened(b"".join(zip_of(conversations, formats, **more)))


def opened(content: bytes) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    return archive


def folder(conversation: Conversation) -> str:
    return f"conversations/{conversation.created_at:%Y-%m-%d}_{conversation.pk}/"


def manifest(archive: zipfile.ZipFile) -> dict:
    return json.loads(archive.read("manifest.json"))


def stereo(content: bytes) -> npt.NDArray[np.int16]:
    """The frames of a WAV, one row each: left, right."""
    with wave.open(io.BytesIO(content)) as file:
        assert file.getframerate() == 24_000
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)


def body_of(response: HttpResponseBase) -> bytes:
    """What an asynchronous response sends; it is closed as a server closes it."""

    async def collected() -> bytes:
        return b"".join([piece async for piece in response.streaming_content])

    try:
        return async_to_sync(collected)() if response.streaming else response.content
    finally:
        response.close()


def damage(segment: AudioSegment, content: bytes | None) -> None:
    """Put something else where its file was, or nothing."""
    media.storage().delete(segment.key)
    if content is not None:
        with media.storage().open(segment.key, "wb") as file:
            file.write(content)
