"""Everything a session can ask for. The runner carries it out and reports back by events."""

from __future__ import annotations

from dataclasses import dataclass

from conversations.stored import FinishedReply

from .events import Hello, Sound, VoiceGiven, VoiceHeard, VoiceHeld, VoiceWanted
from .messages import Audio, Delta, Message


@dataclass(frozen=True, slots=True)
class Send:
    """Tell the person."""

    message: Message


@dataclass(frozen=True, slots=True)
class Play:
    """Send audio, and record it. By the clock it is heard from ``at`` on (monotonic seconds)."""

    audio: Audio
    sound: Sound
    at: float


@dataclass(frozen=True, slots=True)
class CutRecording:
    """Of the sound of ``reply`` only ``heard_ms`` were heard; what comes after is a new stretch."""

    reply: str
    heard_ms: float


@dataclass(frozen=True, slots=True)
class Share:
    """Tell the other followers of the conversation."""

    message: Message


@dataclass(frozen=True, slots=True)
class ShareInterrupt:
    """Ask whichever socket speaks in this conversation to stop."""


@dataclass(frozen=True, slots=True)
class ShareVoice:
    """Tell the other sockets who speaks, or how far that has come. ``to``: only that one."""

    what: VoiceWanted | VoiceHeld | VoiceGiven | VoiceHeard
    to: str = ""


@dataclass(frozen=True, slots=True)
class Borrow:
    """The sound of ``reply``, which another socket writes, is recorded here from now on."""

    reply: str
    hand: int


@dataclass(frozen=True, slots=True)
class GiveBack:
    """No more of it is spoken here: what was recorded can be kept once the reply has ended."""

    reply: str


@dataclass(frozen=True, slots=True)
class Open:
    """Find or prepare the conversation. Answered by ``Opened`` or ``Refused``."""

    hello: Hello


@dataclass(frozen=True, slots=True)
class StoreTurn:
    """Store the turn and the row of its reply. Answered by ``TurnStored`` or ``TurnNotStored``.

    ``spoken``: where a spoken turn lies in time, and what is known of it. ``is_drafted``: its answer
    has been begun already.
    """

    turn: str
    reply: str
    client_id: str | None
    text: str
    spoken: SpokenTurn | None = None
    is_drafted: bool = False


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """``began_at`` in monotonic seconds; ``engine`` understood it; ``timings`` in ms since its end."""

    began_at: float
    engine: str
    timings: dict[str, float]


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Tell all that was said until this pause. Answered by ``Transcribed``.

    ``last``: what is said from now on belongs to the next utterance.
    """

    utterance: str
    pause: int
    last: bool = False


@dataclass(frozen=True, slots=True)
class EndUtterance:
    """The utterance is over. ``keep``: it became a turn, and its sound belongs to that."""

    utterance: str
    keep: bool


@dataclass(frozen=True, slots=True)
class ListenStrictly:
    """While the bot is heard (``on``), only a louder voice counts as speech: it may be an echo."""

    on: bool


@dataclass(frozen=True, slots=True)
class Think:
    """Ask the dialogue engine. Answered by ``ReplyBegan``, ``PieceArrived``…, ``ThoughtEnded``.

    ``draft``: the turn is not stored yet, and may never be: the person may go on speaking.
    """

    reply: str
    text: str
    voice: str
    spoken: bool
    draft: bool = False


@dataclass(frozen=True, slots=True)
class ForgetDraft:
    """The reply was never told to anybody and will not be."""

    reply: str


@dataclass(frozen=True, slots=True)
class ReplyDelivered:
    """The turn that a draft answers is stored: the lease of its row is to be renewed."""

    reply: str


@dataclass(frozen=True, slots=True)
class Greet:
    """Choose a voice for the greeting. Answered by ``ReplyBegan``."""

    reply: str
    voice: str
    spoken: bool


@dataclass(frozen=True, slots=True)
class GiveInput:
    """Tell the engine that writes ``reply`` what the person has filled in."""

    reply: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class ShareInput:
    """Tell ``by`` whether the input it brought was taken, that is, whether anything was asked."""

    by: str
    taken: bool


@dataclass(frozen=True, slots=True)
class StopThinking:
    reply: str


@dataclass(frozen=True, slots=True)
class Synthesize:
    """Speak a sentence. Answered by ``SoundArrived``… and ``SentenceSynthesised``, or ``SpeechFailed``."""

    reply: str
    sentence: int
    text: str
    speed: float


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    reply: str


@dataclass(frozen=True, slots=True)
class NoteText:
    """The text of a reply is complete, long before its sound: note it in its row."""

    reply: str
    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Write the end of a reply. Answered by ``ReplyStored``.

    ``unasked``: it answers no turn; it is kept with the next one.
    """

    reply: FinishedReply
    unasked: bool = False


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Read the turns that changed since ``rev``. Answered by ``CaughtUp``."""

    rev: int


@dataclass(frozen=True, slots=True)
class StoreRating:
    turn: str
    value: int


@dataclass(frozen=True, slots=True)
class ChangeRecording:
    """The person allowed (``on``) or forbade that their call is kept as sound."""

    on: bool


@dataclass(frozen=True, slots=True)
class Close:
    code: int


Effect = (
    Send
    | Play
    | CutRecording
    | Transcribe
    | EndUtterance
    | ListenStrictly
    | ForgetDraft
    | ReplyDelivered
    | ChangeRecording
    | Share
    | ShareInterrupt
    | ShareVoice
    | Borrow
    | GiveBack
    | Open
    | StoreTurn
    | Think
    | Greet
    | GiveInput
    | ShareInput
    | StopThinking
    | Synthesize
    | StopSpeaking
    | NoteText
    | Finish
    | CatchUp
    | StoreRating
    | Close
)


def with_deltas_joined(effects: list[Effect]) -> list[Effect]:
    """The same effects, with adjoining deltas of a reply as one, for the person and for followers."""
    joined: list[Effect] = []
    # Where the delta that the next one may be added to stands in ``joined``, by effect.
    last: dict[type, int] = {}
    for effect in effects:
        if isinstance(effect, Send | Share) and isinstance(effect.message, Delta):
            place = last.get(type(effect))
            if place is not None:
                longer = _join(joined[place], effect)
                if longer is not None:
                    joined[place] = longer
                    continue
            last[type(effect)] = len(joined)
        elif isinstance(effect, Send | Share):
            last.pop(type(effect), None)
        joined.append(effect)
    return joined


def _join(before: Effect, after: Send | Share) -> Effect | None:
    first = before.message if isinstance(before, Send | Share) else None
    then = after.message
    if not (isinstance(first, Delta) and isinstance(then, Delta)):
        return None
    whole = join_deltas(first, then)
    if whole is None:
        return None
    return Send(whole) if isinstance(after, Send) else Share(whole)


def join_deltas(first: Delta, then: Delta) -> Delta | None:
    """Two as one; None if they do not follow each other."""
    if first.reply != then.reply or then.offset != first.offset + len(first.text):
        return None
    return Delta(first.reply, first.offset, first.text + then.text)
