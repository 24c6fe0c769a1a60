"""A session driven by hand: a fake clock, counted ids, and short names for what comes out."""

from __future__ import annotations

from itertools import count
from typing import TypeVar

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from chat.protocols.base import Manners
from chat.session import Session
from conversations.stored import StoredTurn
from dialogue.engine import Piece, Text

T = TypeVar("T")
RATE = 24_000
V1 = Manners(idle_s=60.0)
RESUMING = Manners(idle_s=60.0, resumes=True)
ORIGINAL = Manners(plays_at_once=True, text_waits=True)
TELEPHONE = Manners(marks=True, telephone=True)
# The ear notices a voice, and its end, so much later.
NOTICED_MS = 100.0


def sound(ms: float, filler: bytes = b"\1\0") -> ev.Sound:
    samples = round(ms * RATE / 1000)
    pcm = filler * samples
    return ev.Sound(pcm, ms, samples, pcm)


def stored(reply: str, rev: int) -> StoredTurn:
    """The row of a reply that has ended."""
    nothing = (None, None, (), "", None, None, None, ())
    return StoredTurn(reply, 1, rev, "assistant", "generic", "done", "", *nothing, "at")


class Call:
    def __init__(
        self,
        manners: Manners = V1,
        *,
        spoken: bool = True,
        hears: bool = False,
        lead_ms: float = 400,
        speculates: bool = True,
    ) -> None:
        """``hears``: the person has a microphone, and there is an ear for it."""
        ids = count(1)
        self.session = Session(
            manners, new_id=lambda: f"id-{next(ids)}", lead_ms=lead_ms, speculates=speculates
        )
        self.now = 100.0
        self.effects: list[do.Effect] = []
        self.format = msg.AudioFormat() if spoken else None
        self.voice_in = msg.VoiceFormat() if hears else None
        self._utterances = count(1)

    def tell(self, *events: ev.Event) -> list[do.Effect]:
        """Give it events at this moment; returns what came of them."""
        out = [effect for event in events for effect in self.session.receive(event, self.now)]
        self.effects += out
        return out

    def wait(self, seconds: float) -> list[do.Effect]:
        """Let time pass, with every tick that the session asks for."""
        out: list[do.Effect] = []
        until = self.now + seconds
        while (deadline := self.session.deadline) is not None and deadline <= until:
            assert deadline >= self.now - 1e-9 or deadline <= self.now
            self.now = max(self.now, deadline)
            before = len(self.effects)
            out += self.tell(ev.Tick())
            if len(self.effects) == before and (self.session.deadline or until) <= self.now:
                raise AssertionError("the session asks for the same moment again and again")
        self.now = until
        return out

    def open(
        self,
        greeting: str = "",
        rev: int = 0,
        *,
        language: str = "en",
        reminder: str = "",
        goodbye: str = "",
        notice: str = "",
        watched: str = "",
    ) -> list[do.Effect]:
        opened = ev.Opened(
            "c-1",
            rev,
            {"slug": "default", "name": "Bot", "language": language},
            language,
            greeting=greeting,
            reminder=reminder,
            goodbye=goodbye,
            hears=self.voice_in is not None,
            notice=notice,
            watched=watched,
        )
        return self.tell(ev.Hello(audio=self.format, voice_in=self.voice_in), opened)

    def type(self, text: str, id: str | None = "t-1") -> do.StoreTurn:
        """Type a turn and return the request to store it."""
        return only(self.tell(ev.Typed(id, text)), do.StoreTurn)

    def store(self, request: do.StoreTurn, rev: int = 2) -> list[do.Effect]:
        return self.tell(ev.TurnStored(request.turn, request.turn, request.reply, rev))

    def ask(self, text: str = "Hello?", id: str | None = "t-1", rev: int = 2) -> str:
        """A typed turn up to the moment when the engine is at work; returns the reply's id."""
        request = self.type(text, id)
        self.store(request, rev)
        self.tell(ev.ReplyBegan(request.reply, "espeak:en" if self.format else None))
        return request.reply

    # --- the person speaks ----------------------------------------------------------------------

    def start(self) -> str:
        """They begin to speak, and it is noticed now; returns the utterance's id."""
        utterance = f"u-{next(self._utterances)}"
        self.tell(ev.SpeechStarted(utterance, NOTICED_MS))
        return utterance

    def pause(
        self, utterance: str, voice_ms: float = 1_000.0, *, released: bool = False
    ) -> do.Transcribe:
        """Their voice pauses, which is noticed now; returns the request for its words."""
        paused = ev.SpeechPaused(utterance, NOTICED_MS, voice_ms, released)
        return only(self.tell(paused), do.Transcribe)

    def understand(self, request: do.Transcribe, text: str) -> list[do.Effect]:
        return self.tell(ev.Transcribed(request.utterance, request.pause, text, "scripted"))

    def say(self, text: str, *, seconds: float = 1.0) -> do.Transcribe:
        """They speak for so long, pause, and are understood at once."""
        utterance = self.start()
        self.wait(seconds)
        request = self.pause(utterance, seconds * 1000)
        self.understand(request, text)
        return request

    def ask_aloud(self, text: str = "How are you?", rev: int = 2) -> str:
        """A spoken turn until it is stored, its draft delivered; returns the reply's id."""
        self.say(text)
        request = only(self.wait(1.0), do.StoreTurn)
        self.store(request, rev)
        self.tell(ev.ReplyBegan(request.reply, "espeak:en" if self.format else None))
        return request.reply

    # --- the bot answers ------------------------------------------------------------------------

    def write(self, reply: str, *pieces: Piece | str, end: bool = True) -> list[do.Effect]:
        events: list[ev.Event] = [
            ev.PieceArrived(reply, Text(piece) if isinstance(piece, str) else piece)
            for piece in pieces
        ]
        return self.tell(*events, *([ev.ThoughtEnded(reply)] if end else []))

    def speak(self, request: do.Synthesize, *lengths_ms: float) -> list[do.Effect]:
        """All the sound of a sentence."""
        arrived = [ev.SoundArrived(request.reply, request.sentence, sound(ms)) for ms in lengths_ms]
        return self.tell(*arrived, ev.SentenceSynthesised(request.reply, request.sentence))

    def answer(self, reply: str, *sentences: str, ms: float = 1_000.0) -> list[do.Effect]:
        """The whole reply, each sentence of it as sound of ``ms`` in pieces of 100 ms."""
        out = self.write(reply, *sentences)
        asked = 0
        while len(requests := of(out, do.Synthesize)) > asked:
            out += self.speak(requests[asked], *[100.0] * round(ms / 100))
            asked += 1
        return out


def of(effects: list[do.Effect], kind: type[T]) -> list[T]:
    """The effects of a kind, or the messages that were sent of a kind."""
    found: list[T] = []
    for effect in effects:
        if isinstance(effect, kind):
            found.append(effect)
        elif isinstance(effect, do.Send) and isinstance(effect.message, kind):
            found.append(effect.message)
        elif isinstance(effect, do.Play) and isinstance(effect.audio, kind):
            found.append(effect.audio)
    return found


def only(effects: list[do.Effect], kind: type[T]) -> T:
    [found] = of(effects, kind)
    return found
