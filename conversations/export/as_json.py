"""A conversation as JSON: everything that is kept of it, exactly as it is kept.

The structs here are the document; ``docs/export.md`` explains it. Their fields may grow; what is
there keeps its meaning for as long as ``SCHEMA`` keeps its number. One turn stands on one line.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from accounts.models import User

from ..models import AudioSegment, Call, Turn
from . import as_wav, names
from .formats import Format
from .kept import KeptCall, KeptConversation, KeptTurn

SCHEMA = "voicechat.conversation/1"


class PersonJson(msgspec.Struct, frozen=True):
    """Who talked. ``username`` is null for a guest."""

    id: uuid.UUID
    username: str | None


class BotJson(msgspec.Struct, frozen=True):
    slug: str
    name: str


class ReviewJson(msgspec.Struct, frozen=True):
    """What a reviewer noted. ``grade`` is 1 to 5; ``reviewed_by`` a user name."""

    grade: int | None
    tags: tuple[str, ...]
    note: str
    reviewed_at: datetime | None
    reviewed_by: str | None


class CorrectionJson(msgspec.Struct, frozen=True):
    """What was really said, by a reviewer. ``corrected_by`` is a user name."""

    corrected_text: str
    corrected_at: datetime | None
    corrected_by: str | None


class CallJson(msgspec.Struct, frozen=True):
    """A call. ``wav`` and ``webvtt`` are files of this export, or null where it has none."""

    id: uuid.UUID
    number: int
    protocol: str
    instance: str
    client_label: str
    started_at: datetime
    ended_at: datetime | None
    close_code: int | None
    recorded: bool
    wav: str | None
    webvtt: str | None


class SegmentJson(msgspec.Struct, frozen=True):
    """A stretch of sound on the call's timeline. ``file`` is a file of this export, or null."""

    id: uuid.UUID
    track: str
    start_ms: int
    duration_ms: int
    codec: str
    size: int
    file: str | None


class TurnJson(msgspec.Struct, frozen=True):
    """A turn. ``heard_text`` and ``unheard_text`` are null where nothing was spoken.

    ``correction`` is null where there is none.
    """

    id: uuid.UUID
    seq: int
    rev: int
    call: uuid.UUID | None
    reply_to: uuid.UUID | None
    role: str
    kind: str
    status: str
    error: str
    text: str
    heard_text: str | None
    unheard_text: str | None
    heard_ms: int | None
    correction: CorrectionJson | None
    start_ms: int | None
    data: Any
    rating: int | None
    client_id: str | None
    engines: Any
    timings: Any
    created_at: datetime
    finished_at: datetime | None
    segments: tuple[SegmentJson, ...]


class ConversationJson(msgspec.Struct, frozen=True):
    """The document without its last field: ``turns``, an array of ``TurnJson``.

    ``review`` is null in what a person exports of their own.
    """

    schema: str
    id: uuid.UUID
    title: str
    language: str
    protocol: str
    rev: int
    created_at: datetime
    last_at: datetime
    person: PersonJson
    bot: BotJson
    turn_count: int
    interruption_count: int
    error_count: int
    audio_ms: int
    duration_ms: int
    p95_ms: int | None
    liked_count: int
    disliked_count: int
    sound_purged_at: datetime | None
    text_purged_at: datetime | None
    legal_hold: bool
    erasure_asked_at: datetime | None
    review: ReviewJson | None
    calls: tuple[CallJson, ...]


def document(
    kept: KeptConversation, formats: Iterable[Format] = frozenset(), *, with_review: bool = True
) -> Iterator[bytes]:
    """The JSON text in UTF-8, piece by piece. ``formats``: what else the same export holds.

    ``with_review``: with what reviewers noted and corrected, which is not told to the person.

    JSON has a way to write half of a surrogate pair, which UTF-8 has not: so it stays what it is.
    """
    formats = frozenset(formats)
    facts = msgspec.to_builtins(_conversation(kept, formats, with_review))
    lines = ",\n".join(f"{_text(name)}: {_text(value)}" for name, value in facts.items())
    yield _encoded(f'{{\n{lines},\n"turns": [')
    before = "\n"
    for turn in kept.turns():
        yield _encoded(before + _text(msgspec.to_builtins(_turn(turn, formats, with_review))))
        before = ",\n"
    yield b"\n]\n}\n"


def _conversation(
    kept: KeptConversation, formats: frozenset[Format], with_review: bool
) -> ConversationJson:
    conversation = kept.conversation
    person, bot = conversation.person, conversation.bot
    return ConversationJson(
        schema=SCHEMA,
        id=conversation.pk,
        title=conversation.title,
        language=conversation.language,
        protocol=conversation.protocol,
        rev=conversation.rev,
        created_at=conversation.created_at,
        last_at=conversation.last_at,
        person=PersonJson(person.pk, _name(person.user)),
        bot=BotJson(bot.slug, bot.name),
        turn_count=conversation.turn_count,
        interruption_count=conversation.interruption_count,
        error_count=conversation.error_count,
        audio_ms=conversation.audio_ms,
        duration_ms=conversation.duration_ms,
        p95_ms=conversation.p95_ms,
        liked_count=conversation.liked_count,
        disliked_count=conversation.disliked_count,
        sound_purged_at=conversation.sound_purged_at,
        text_purged_at=conversation.text_purged_at,
        legal_hold=conversation.legal_hold,
        erasure_asked_at=conversation.erasure_asked_at,
        review=_review(kept) if with_review else None,
        calls=tuple(_call(one, one.call, formats) for one in kept.calls if one.call is not None),
    )


def _review(kept: KeptConversation) -> ReviewJson:
    conversation = kept.conversation
    return ReviewJson(
        grade=conversation.grade,
        tags=kept.tags,
        note=conversation.note,
        reviewed_at=conversation.reviewed_at,
        reviewed_by=_name(conversation.reviewed_by),
    )


def _call(kept: KeptCall, call: Call, formats: frozenset[Format]) -> CallJson:
    return CallJson(
        id=call.pk,
        number=kept.number,
        protocol=call.protocol,
        instance=call.instance,
        client_label=call.client_label,
        started_at=call.started_at,
        ended_at=call.ended_at,
        close_code=call.close_code,
        recorded=call.recorded,
        wav=names.wav(kept) if Format.WAV in formats and as_wav.fits(kept.sound_ms) else None,
        webvtt=names.webvtt(kept) if Format.VTT in formats else None,
    )


def _turn(kept: KeptTurn, formats: frozenset[Format], with_review: bool) -> TurnJson:
    turn = kept.turn
    spoken = turn.heard_ms is not None
    return TurnJson(
        id=turn.pk,
        seq=turn.seq,
        rev=turn.rev,
        call=turn.call_id,
        reply_to=turn.reply_to_id,
        role=turn.role,
        kind=turn.kind,
        status=turn.status,
        error=turn.error,
        text=turn.text,
        heard_text=turn.heard_text if spoken else None,
        unheard_text=turn.unheard_text if spoken else None,
        heard_ms=turn.heard_ms,
        correction=_correction(turn) if with_review else None,
        start_ms=turn.start_ms,
        data=turn.data,
        rating=turn.rating,
        client_id=turn.client_id,
        engines=turn.engines,
        timings=turn.timings,
        created_at=turn.created_at,
        finished_at=turn.finished_at,
        segments=tuple(
            _segment(segment, names.segment(turn, segment, number), formats)
            for number, segment in enumerate(kept.segments, 1)
        ),
    )


def _correction(turn: Turn) -> CorrectionJson | None:
    if not turn.corrected_text:
        return None
    return CorrectionJson(turn.corrected_text, turn.corrected_at, _name(turn.corrected_by))


def _segment(segment: AudioSegment, name: str, formats: frozenset[Format]) -> SegmentJson:
    return SegmentJson(
        id=segment.pk,
        track=segment.track,
        start_ms=segment.start_ms,
        duration_ms=segment.duration_ms,
        codec=segment.codec,
        size=segment.size,
        file=name if Format.SEGMENTS in formats else None,
    )


def _name(user: User | None) -> str | None:
    return None if user is None else user.get_username()


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
