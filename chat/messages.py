"""What the server tells the person, whatever the protocol; version 1 writes them as they stand.

docs/protocol.md gives the meaning of every field. Offsets and starts count Unicode code points of
the reply's text; times are milliseconds.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from conversations.stored import StoredTurn
from dialogue.asking import Field

PersonName = Literal["silent", "hearing", "endpointing"]
BotName = Literal["silent", "thinking", "speaking", "held"]


class AudioFormat(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """How the client wants to hear. ``rate`` in Hz."""

    encoding: Literal["pcm_s16le", "mulaw", "mp3", "opus"] = "pcm_s16le"
    rate: Literal[8000, 16000, 24000] = 24000
    framing: Literal["binary", "base64"] = "binary"


class VoiceFormat(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """How the person's voice comes: mono, ``rate`` in Hz."""

    encoding: Literal["pcm_s16le", "mulaw", "alaw"] = "pcm_s16le"
    rate: Literal[8000, 16000, 24000, 44100, 48000] = 16000


class AgreedAudio(msgspec.Struct, frozen=True, rename={"voice": "in"}):
    """What was asked for and can be had; None: not spoken, not heard."""

    out: AudioFormat | None
    voice: VoiceFormat | None


class Limits(msgspec.Struct, frozen=True):
    text_chars: int = 8_000
    pending: int = 16
    frame_bytes: int = 262_144


LIMITS = Limits()


class _Message(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class Ready(_Message, frozen=True, tag="ready"):
    conversation: str
    rev: int
    bot: dict[str, str]
    turns: tuple[StoredTurn, ...]
    audio: AgreedAudio
    recording: bool
    limits: Limits = LIMITS


class Ack(_Message, frozen=True, tag="ack"):
    id: str
    turn: str
    reply: str
    rev: int


class State(_Message, frozen=True, tag="state"):
    person: PersonName
    bot: BotName


class Transcript(_Message, frozen=True, tag="transcript"):
    """What the person says. A final one without text: nothing was understood, or it was noise."""

    utterance: str
    text: str
    final: bool


class ReplyStart(_Message, frozen=True, tag="reply_start"):
    reply: str
    turn: str | None
    kind: str
    generation: int
    voice: str | None


class Delta(_Message, frozen=True, tag="delta"):
    reply: str
    offset: int
    text: str


class CardsShown(_Message, frozen=True, tag="cards"):
    reply: str
    cards: tuple[dict[str, Any], ...]


class SentenceKnown(_Message, frozen=True, tag="sentence_known"):
    """A piece of the text is complete. Only protocols without ``delta`` tell it."""

    reply: str
    index: int
    text: str


class TextEnd(_Message, frozen=True, tag="text_end"):
    reply: str
    text: str


class Sentence(_Message, frozen=True, tag="sentence"):
    reply: str
    index: int
    text: str
    start: int
    offset_ms: int


class Audio(_Message, frozen=True, tag="audio"):
    """A stretch of the reply's sound; ``position`` counts samples from the reply's first one."""

    reply: str
    generation: int
    sequence: int
    position: int
    first: bool
    last: bool
    audio: bytes


class Clear(_Message, frozen=True, tag="clear"):
    generation: int


class ReplyEnd(_Message, frozen=True, tag="reply_end"):
    reply: str
    status: str
    text: str
    heard_ms: int | None
    heard: str | None
    rev: int


class TurnChanged(_Message, frozen=True, tag="turn"):
    turn: StoredTurn
    rev: int


class Watched(_Message, frozen=True, tag="watched"):
    """Members of the staff read along now, or no longer. ``text`` says so, empty when no longer."""

    watched: bool
    text: str


class Ask(_Message, frozen=True, tag="ask"):
    """The engine that writes ``reply`` asks the person for something; ``id`` names the question."""

    reply: str
    id: str
    fields: tuple[Field, ...]


class Error(_Message, frozen=True, tag="error"):
    code: str
    message: str
    retry: float | None = None
    id: str | None = None


class AudioOwner(_Message, frozen=True, tag="audio_owner"):
    """Whether answers of this conversation are heard here, or in another tab or device."""

    here: bool


class GoingAway(_Message, frozen=True, tag="going_away"):
    """The server ends; its socket closes 1012 when what goes on here is over. Times in seconds."""

    retry_after: float


class Pong(_Message, frozen=True, tag="pong"):
    id: str | None = None


Message = (
    Ready
    | Ack
    | State
    | Transcript
    | ReplyStart
    | Delta
    | CardsShown
    | SentenceKnown
    | TextEnd
    | Sentence
    | Audio
    | Clear
    | ReplyEnd
    | TurnChanged
    | Watched
    | Ask
    | Error
    | AudioOwner
    | GoingAway
    | Pong
)


def encode_plain_error(code: str, message: str, retry_s: float | None = None) -> str:
    """An error in the form that clients of every face can read, before one is known."""
    told = {
        "type": "error",
        "code": code,
        "message": message,
        "text": message,
        "data": message,
        "retry": retry_s,
        "id": None,
    }
    # The last two are what clients of /ws/voicebot/ know.
    voicebot = {"event": "error", "error": {"code": code, "message": message}}
    return msgspec.json.encode(told | voicebot).decode()
