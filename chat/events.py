"""Everything a session can be told: by the person's client, and by what carries out its effects."""

from __future__ import annotations

from dataclasses import dataclass

from conversations.stored import StoredTurn
from dialogue.asking import Field
from dialogue.engine import Piece

from .messages import AudioFormat, Message, VoiceFormat

# --- by the client ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """The client introduced itself. ``conversation`` None: a new one with ``bot`` (None: default).

    ``audio`` is how it wants to hear, ``voice_in`` how the person's voice will come; None: not at
    all. ``record``: what the person said when asked whether their voice may be kept.
    """

    conversation: str | None = None
    bot: str | None = None
    last_rev: int = 0
    audio: AudioFormat | None = None
    voice_in: VoiceFormat | None = None
    record: bool | None = None
    voice: str = ""
    speed: float = 1.0
    language: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """The person typed a turn. ``id`` is the client's own, None where it has none.

    ``spoken``: whether its answer is to be spoken; None: as configured.
    """

    id: str | None
    text: str
    spoken: bool | None = None


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The person wants the bot to stop."""


@dataclass(frozen=True, slots=True)
class Played:
    """The client has played ``ms`` of the audio of ``reply``."""

    reply: str
    ms: float
    done: bool = False


@dataclass(frozen=True, slots=True)
class Configure:
    """How replies are spoken from the next one on; None leaves a setting as it is."""

    voice: str | None = None
    speed: float | None = None
    audio: bool | None = None
    record: bool | None = None


@dataclass(frozen=True, slots=True)
class Digit:
    """A key of the telephone was pressed: 0-9, A-D, * or #."""

    digit: str


@dataclass(frozen=True, slots=True)
class Input:
    """What the person answers to ``Ask``: ``ask`` is its id, None for whatever is asked.

    ``values`` is as it came (``answers_to``). ``by`` names who waits to be told whether it was taken,
    on whichever instance.
    """

    values: object
    ask: str | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    turn: str
    value: int


@dataclass(frozen=True, slots=True)
class TakeAudio:
    """The person wants to hear this conversation here, and in no other tab."""


@dataclass(frozen=True, slots=True)
class Ping:
    id: str | None = None


@dataclass(frozen=True, slots=True)
class BadMessage:
    """A frame that the protocol could not read."""

    code: str
    message: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """The socket is closed. What was promised is finished without it."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The client says that the call is over; its socket closes next."""


ClientEvent = (
    Hello
    | Typed
    | Interrupt
    | Played
    | Configure
    | Digit
    | Input
    | Rate
    | TakeAudio
    | Ping
    | BadMessage
    | HungUp
    | Gone
)

# --- by the client, for the ear (chat/listening.py); these do not reach the session ------------


@dataclass(frozen=True, slots=True)
class VoiceArrived:
    """A stretch of the person's side of the line, in the agreed format, whole samples."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class TalkPressed:
    """Push-to-talk: what comes from now on is meant for the bot."""


@dataclass(frozen=True, slots=True)
class TalkReleased:
    """Push-to-talk: that was all."""


@dataclass(frozen=True, slots=True)
class MicrophoneSwitched:
    """The microphone was opened, closed or muted. ``push_to_talk``: only what is pressed counts."""

    on: bool
    push_to_talk: bool = False


VoiceEvent = VoiceArrived | TalkPressed | TalkReleased | MicrophoneSwitched

# --- by the ear --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The person began to speak ``ago_ms`` ago. ``utterance`` becomes the id of their turn."""

    utterance: str
    ago_ms: float


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """Their voice ended ``ago_ms`` ago, after ``voice_ms`` of it.

    ``released``: they let go of push-to-talk, or closed the microphone; there is nothing to wait for.
    """

    utterance: str
    ago_ms: float
    voice_ms: float
    released: bool = False


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """They went on after a pause."""

    utterance: str


@dataclass(frozen=True, slots=True)
class PartialTranscript:
    """The text so far of somebody who is speaking."""

    utterance: str
    text: str


@dataclass(frozen=True, slots=True)
class Transcribed:
    """All that was said until the pause of that number. ``code``: it could not be told."""

    utterance: str
    pause: int
    text: str
    engine: str = ""
    code: str = ""
    message: str = ""


# --- by the runner ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """The conversation is there. ``greeting`` is empty unless it is new and the bot has one.

    ``apology`` is said to somebody whose words cannot be kept now.
    ``notice`` is heard to its end, whatever the person does. ``reminder`` and ``goodbye`` are for
    somebody on the telephone who says nothing. ``watched`` is what they are told when members of the
    staff read along.
    """

    conversation: str
    rev: int
    bot: dict[str, str]
    language: str
    turns: tuple[StoredTurn, ...] = ()
    greeting: str = ""
    reminder: str = ""
    goodbye: str = ""
    hears: bool = False
    recording: bool = False
    notice: str = ""
    watched: str = ""
    apology: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The call may not begin, or not go on: ``close`` is the code it is closed with."""

    code: str
    message: str
    close: int
    retry_s: float | None = None


@dataclass(frozen=True, slots=True)
class GoingAway:
    """The server ends. ``now``: it waits no longer for what goes on."""

    retry_after_s: float
    now: bool = False


@dataclass(frozen=True, slots=True)
class TurnStored:
    """``turn`` and the row of its reply are in the database.

    ``duplicate``: a turn with this client id was there before, as ``stored_turn``.
    """

    turn: str
    stored_turn: str
    reply: str
    rev: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class TurnNotStored:
    turn: str
    message: str
    code: str = "not_stored"
    retry_s: float = 2.0


@dataclass(frozen=True, slots=True)
class ReplyBegan:
    """An engine is at work. ``voice`` None: nothing will be spoken."""

    reply: str
    voice: str | None


@dataclass(frozen=True, slots=True)
class PieceArrived:
    reply: str
    piece: Piece


@dataclass(frozen=True, slots=True)
class InputWanted:
    """The engine that writes ``reply`` waits for what the person fills in."""

    reply: str
    ask: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class ThoughtEnded:
    """The engine is through; with ``code`` it failed, and ``message`` is for the person."""

    reply: str
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Sound:
    """Audio as the client gets it. ``samples`` at the agreed rate; ``pcm`` is what is recorded.

    ``is_clip``: the payload is a file, which cannot be cut.
    """

    payload: bytes
    ms: float
    samples: int
    pcm: bytes = b""
    is_clip: bool = False

    def after(self, ms: float) -> Sound:
        """What remains of it after ``ms``; all of a clip."""
        skipped = round(self.samples * ms / self.ms) if self.ms else 0
        if self.is_clip or not skipped:
            return self
        width = len(self.payload) // self.samples
        pcm_width = len(self.pcm) // self.samples
        left = self.samples - skipped
        return Sound(
            self.payload[skipped * width :],
            self.ms * left / self.samples,
            left,
            self.pcm[skipped * pcm_width :],
        )


@dataclass(frozen=True, slots=True)
class SoundArrived:
    reply: str
    sentence: int
    sound: Sound


@dataclass(frozen=True, slots=True)
class SentenceSynthesised:
    reply: str
    sentence: int


@dataclass(frozen=True, slots=True)
class SpeechFailed:
    reply: str
    sentence: int
    message: str


@dataclass(frozen=True, slots=True)
class ReplyStored:
    """The end of a reply is in the database as ``turn``; None: it could not be written.

    ``also`` are turns that changed with it: the person's, which got its sound.
    """

    reply: str
    turn: StoredTurn | None
    also: tuple[StoredTurn, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Another tab asked something: the reply was ended there."""

    reply: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Stop was pressed in another tab of the conversation."""


@dataclass(frozen=True, slots=True)
class Following:
    """What happens on the conversation's other sockets is told here from now on."""


@dataclass(frozen=True, slots=True)
class VoiceWanted:
    """Another socket, ``by``, would speak the reply that is alive; ``take``: because its person says so."""

    by: str
    take: bool


@dataclass(frozen=True, slots=True)
class VoiceHeld:
    """Another socket speaks here, and has a listener."""


@dataclass(frozen=True, slots=True)
class VoiceGiven:
    """A reply that another socket writes is to be spoken here, from character ``start`` on.

    ``text`` is what there is of it, ``is_written``: all; ``hand`` counts how often its voice moved.
    """

    reply: str
    kind: str
    text: str
    start: int
    is_written: bool
    hand: int


@dataclass(frozen=True, slots=True)
class VoiceHeard:
    """How far the socket that speaks our reply has come: ``chars`` of its text, ``ms`` of sound.

    ``is_over``: it will speak no more of it.
    """

    reply: str
    hand: int
    chars: int
    ms: float
    is_over: bool


@dataclass(frozen=True, slots=True)
class Followed:
    """Something for this conversation's followers that happened on another socket."""

    message: Message


@dataclass(frozen=True, slots=True)
class StaffFollows:
    """A member of the staff, known as ``watcher``, reads along; told again while they do."""

    watcher: str


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The turns that changed since, in order of their ``rev``; ``rev`` is the conversation's."""

    rev: int
    turns: tuple[StoredTurn, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something beside the turn went wrong, such as the recording; the person is told."""

    code: str
    message: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """The session's deadline has come. ``heard_at``: when the person's side was last heard, if ever."""

    heard_at: float | None = None


RunnerEvent = (
    SpeechStarted
    | SpeechPaused
    | SpeechResumed
    | PartialTranscript
    | Transcribed
    | Opened
    | Refused
    | GoingAway
    | TurnStored
    | TurnNotStored
    | ReplyBegan
    | PieceArrived
    | InputWanted
    | ThoughtEnded
    | SoundArrived
    | SentenceSynthesised
    | SpeechFailed
    | ReplyStored
    | TakenOver
    | Interrupted
    | Following
    | VoiceWanted
    | VoiceHeld
    | VoiceGiven
    | VoiceHeard
    | Followed
    | StaffFollows
    | CaughtUp
    | Fault
    | Tick
)
Event = ClientEvent | RunnerEvent
