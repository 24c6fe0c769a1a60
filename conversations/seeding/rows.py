"""Rows of conversations that nobody had, for trials and measurements. No sound is made."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Model

from accounts.models import Person
from conversations.models import Call, Conversation, Grade, Tag, Turn
from conversations.summaries import p95_to_answer_ms
from dialogue.models import Bot
from dialogue.stored import stored_shape

from .texts import a_language, a_text

# As names in ``chat.protocols``, with how often each is spoken.
_PROTOCOLS = {
    "voice-chat-1": 70,
    "voice-chat-original": 5,
    "voicebot": 5,
    "exotel": 5,
    "twilio": 15,
}
_ERRORS = ("dialogue_timeout", "dialogue_failed", "tts_failed")
_CLOSE_CODES = (1000, 1000, 1000, 1001, 1001, 1006, 1011)
_DAYS = 365
# The last one begins so long before the end, and is over by then.
_LAST = timedelta(hours=1)
_MS_PER_CHAR = 65
_REVIEWED = 0.1


@dataclass(slots=True)
class Rows:
    """Of some whole conversations, in an order in which they can be written."""

    persons: list[Person] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    tagged: list[Model] = field(default_factory=list)


def conversation_rows(
    chance: random.Random,
    *,
    conversations: int,
    turns: int,
    regulars: Sequence[Person],
    tags: Sequence[Tag],
    bot: Bot,
    until: datetime,
    batch_turns: int = 5000,
) -> Iterator[Rows]:
    """Just so many conversations and turns, of the year ``until``, the oldest first, in batches.

    Half of the conversations are of one of the ``regulars`` each, the rest of guests of their own.
    """
    rows = Rows()
    left = turns
    for number in range(conversations):
        still_to_come = conversations - number - 1
        mean = left / (still_to_come + 1)
        length = round(chance.expovariate(1 / mean))
        length = min(max(2, length), left - 2 * still_to_come) if still_to_come else left
        left -= length
        if regulars and chance.random() < 0.5:
            person = chance.choice(regulars)
        else:
            person = Person(created_at=until)
            rows.persons.append(person)
        began = until - _LAST - timedelta(days=_DAYS) * (1 - number / conversations)
        _add_conversation(rows, chance, person=person, bot=bot, began=began, length=length)
        if chance.random() < _REVIEWED:
            _review(rows, chance, tags, length)
        if len(rows.turns) >= batch_turns:
            yield rows
            rows = Rows()
    if rows.conversations:
        yield rows


def _add_conversation(
    rows: Rows,
    chance: random.Random,
    *,
    person: Person,
    bot: Bot,
    began: datetime,
    length: int,
) -> None:
    language = a_language(chance)
    conversation = Conversation(
        person=person, bot=bot, language=language, created_at=began, last_at=began
    )
    rows.conversations.append(conversation)
    (protocol,) = chance.choices(list(_PROTOCOLS), list(_PROTOCOLS.values()))
    call = Call(
        conversation=conversation,
        protocol=protocol,
        instance=f"seed-{chance.randint(1, 4)}",
        started_at=began,
        close_code=chance.choice(_CLOSE_CODES),
        recorded=False,
    )
    rows.calls.append(call)
    is_spoken = protocol != "voice-chat-1" or chance.random() < 0.7
    at_ms = 0
    asked: Turn | None = None
    for seq in range(length):
        # With an odd number of turns the bot has greeted first.
        by_bot = (seq + length) % 2 == 1
        turn = _turn(chance, conversation, call, seq, by_bot=by_bot, is_spoken=is_spoken)
        turn.reply_to = asked if by_bot else None
        if by_bot and asked is None:
            turn.kind = Turn.Kind.GREETING
        asked = None if by_bot else turn
        turn.start_ms = at_ms
        at_ms += len(turn.text) * _MS_PER_CHAR + chance.randint(200, 5000)
        turn.created_at = began + timedelta(milliseconds=turn.start_ms)
        turn.finished_at = began + timedelta(milliseconds=at_ms)
        conversation.interruption_count += turn.status == Turn.Status.INTERRUPTED
        conversation.error_count += bool(turn.error)
        conversation.liked_count += turn.rating == 1
        conversation.disliked_count += turn.rating == -1
        if is_spoken:
            conversation.audio_ms += len(turn.text) * _MS_PER_CHAR
        if not conversation.title and not by_bot:
            conversation.title = turn.text[:60]
        rows.turns.append(turn)
    conversation.turn_count = conversation.next_seq = conversation.rev = length
    conversation.protocol, conversation.duration_ms = protocol, at_ms
    replies = [turn.timings for turn in rows.turns[-length:] if turn.reply_to is not None]
    conversation.p95_ms = p95_to_answer_ms(replies)
    conversation.last_at = call.ended_at = call.seen_at = began + timedelta(milliseconds=at_ms)


def _review(rows: Rows, chance: random.Random, tags: Sequence[Tag], length: int) -> None:
    """What a reviewer has noted about the last of the conversations, of so many turns."""
    conversation = rows.conversations[-1]
    conversation.grade = chance.choice(Grade.values)
    conversation.reviewed_at = conversation.last_at
    if tags and chance.random() < 0.5:
        through = Conversation.tags.through
        rows.tagged.append(through(conversation=conversation, tag=chance.choice(tags)))
    said = chance.choice([turn for turn in rows.turns[-length:] if turn.role == Turn.Role.USER])
    said.corrected_text = a_text(chance, conversation.language, by_bot=False)
    said.corrected_at = conversation.reviewed_at


def _turn(
    chance: random.Random,
    conversation: Conversation,
    call: Call,
    seq: int,
    *,
    by_bot: bool,
    is_spoken: bool,
) -> Turn:
    turn = Turn(
        id=uuid.uuid4(),
        conversation=conversation,
        call=call,
        seq=seq,
        rev=seq + 1,
        role=Turn.Role.ASSISTANT if by_bot else Turn.Role.USER,
        status=Turn.Status.DONE,
        text=a_text(chance, conversation.language, by_bot=by_bot),
    )
    if not by_bot:
        if is_spoken:
            turn.timings = _heard(chance)
            turn.engines = {"stt": "pocketsphinx:en-us"}
        return turn
    turn.kind = Turn.Kind.GENERIC
    turn.data = stored_shape(turn.kind, turn.text)
    turn.engines = {"dialogue": "builtin"}
    turn.timings = _answered(chance)
    if chance.random() < 0.02:
        turn.error = chance.choice(_ERRORS)
        turn.status = Turn.Status.FAILED
    elif is_spoken:
        turn.engines["tts"] = "espeak:en-us"
        turn.heard_text, turn.heard_ms = turn.text, len(turn.text) * _MS_PER_CHAR
        if chance.random() < 0.08:
            turn.status = Turn.Status.INTERRUPTED
            turn.heard_text = turn.text[: chance.randrange(len(turn.text))]
            turn.heard_ms = len(turn.heard_text) * _MS_PER_CHAR
    if chance.random() < 0.05:
        turn.rating = 1 if chance.random() < 0.8 else -1
    return turn


def _heard(chance: random.Random) -> dict[str, float]:
    """Stages of an utterance, in ms since its end (``chat.utterance``)."""
    endpoint = round(chance.uniform(300, 800), 1)
    return {"endpoint": endpoint, "transcript": round(endpoint + chance.uniform(3, 60), 1)}


def _answered(chance: random.Random) -> dict[str, float]:
    """Stages of a reply, in ms since it began (``chat.reply``). One in fifty is slow."""
    slow = 20.0 if chance.random() < 0.02 else 1.0
    at, timings = 0.0, {}
    for stage in ("stored", "first_text", "first_sentence", "first_sound", "first_audio"):
        at += chance.lognormvariate(2.5, 0.8) * slow
        timings[stage] = round(at, 1)
    timings["ended"] = round(at + chance.uniform(500, 20_000), 1)
    return timings
