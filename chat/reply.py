"""One reply while it lives: its text, its sentences, and how far each of them has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from conversations.stored import FinishedReply
from dialogue import engine
from speech.sentences import SentenceSplitter

from . import messages as msg
from .playback import Playback

MAX_CHARS = 20_000
# Of what was said before that nothing comes back any more.
ECHOED_WORDS = 15
# How long a reply that has lost its listener waits for them to come back.
RESUME_S = 10.0
# A socket that speaks for us says so every REPORT_S; after this long without a word it does not.
REPORT_S = 1.0
REPORTS_LOST_S = 4.0
# Sums of lengths may be off by as much; less than a sample.
ROUNDING_MS = 0.01


@dataclass(slots=True)
class Piece:
    """A sentence: where it stands in the text, and in the reply's sound once it is sent.

    ``duration_ms``: of its sound as far as that has been synthesised.
    """

    text: str
    start: int
    offset_ms: float = 0.0
    duration_ms: float = 0.0
    announced: bool = False


@dataclass(slots=True)
class Elsewhere:
    """The voice of a reply is wanted on, or has moved to, another socket.

    ``to``: which one; empty: nobody has come for it yet. ``until``: it is waited for no longer
    (monotonic seconds). ``chars`` and ``ms`` were heard elsewhere, ``ms_before`` of it before ``hand``.
    """

    until: float
    to: str = ""
    hand: int = 0
    chars: int = 0
    ms: float = 0.0
    ms_before: float = 0.0
    reported_at: float = 0.0


@dataclass(slots=True)
class Reply:
    """``draft``: the turn it answers is not over yet, so nobody is told; ``untold`` is for later.

    ``promised``: that turn is being stored together with the row of this reply, so that it has to
    end like any other; ``cut``: it does so as soon as it is told of.
    ``announcement`` is the text of what nobody asked for, such as a greeting.
    """

    id: str
    turn: str | None
    began_at: float
    generation: int
    splitter: SentenceSplitter
    playback: Playback
    kind: str = ""
    text: str = ""
    cards: tuple[dict[str, Any], ...] = ()
    items: list[str] = field(default_factory=list)
    voice: str | None = None
    spoken_by: str = ""
    speed: float = 1.0
    draft: bool = False
    promised: bool = False
    cut: bool = False
    untold: list[msg.Message] = field(default_factory=list)
    announcement: str = ""
    insists: bool = False
    # The question that its engine has asked the person and that is not answered yet.
    asked: msg.Ask | None = None
    thinking: bool = True
    pieces: list[Piece] = field(default_factory=list)
    known_chars: int = 0
    next_piece: int = 0
    synthesising: int | None = None
    error: str = ""
    silenced: bool = False
    # Its voice is not here any more, or, where it is borrowed, only its voice is.
    elsewhere: Elsewhere | None = None
    hand: int = 0
    borrowed: bool = False
    waits_for_voice: bool = False
    report_at: float = 0.0
    timings: dict[str, float] = field(default_factory=dict)

    def mark(self, stage: str, now: float) -> None:
        """Note when a stage was first reached, in ms since the reply began."""
        self.timings.setdefault(stage, round((now - self.began_at) * 1000, 1))

    # --- its text -----------------------------------------------------------------------------

    def take(self, piece: engine.Piece, now: float) -> list[msg.Message]:
        """What the engine has yielded; returns what there is to tell.

        Text beyond ``MAX_CHARS`` is left out, and ``error`` says so.
        """
        self.mark("first_text", now)
        match piece:
            case engine.Text(delta):
                told, taken = self._append(delta)
                return told + self._know(self.splitter.feed(taken), now)
            case engine.Item(text):
                told = self._know(self.splitter.finish(), now)
                appended, taken = self._append(text if not self.text else f"\n{text}")
                self.items.append(taken.strip())
                return told + appended + self._know([taken], now)
            case _:
                self.kind = "property"
                self.cards += tuple(msgspec.to_builtins(card) for card in piece.cards)
                return [msg.CardsShown(self.id, self.cards)]

    def complete(self, now: float) -> list[msg.Message]:
        """The engine is through; returns what there is to tell."""
        self.thinking = False
        self.mark("text_end", now)
        return [*self._know(self.splitter.finish(), now), msg.TextEnd(self.id, self.text)]

    def _append(self, delta: str) -> tuple[list[msg.Message], str]:
        taken = delta[: MAX_CHARS - len(self.text)]
        if len(taken) < len(delta):
            self.error = "reply_too_long"
        if not taken:
            return [], taken
        told = msg.Delta(self.id, len(self.text), taken)
        self.text += taken
        return [told], taken

    def _know(self, sentences: list[str], now: float) -> list[msg.Message]:
        """These sentences of the text are complete."""
        told: list[msg.Message] = []
        for text in sentences:
            self.mark("first_sentence", now)
            told.append(msg.SentenceKnown(self.id, len(self.pieces), text))
            self.pieces.append(Piece(text, self.known_chars))
            self.known_chars += len(text)
        return told

    # --- its sound ----------------------------------------------------------------------------

    @property
    def spoken(self) -> bool:
        """Whether any of its sound has left, though it may have been taken back."""
        return bool(self.spoken_by)

    def silence(self, now: float) -> None:
        """Nobody listens any more: no further sound, the text goes on."""
        self.silenced = True
        self.voice = None
        self.synthesising = None
        self.next_piece = len(self.pieces)
        self.playback.stop(now)

    def release(self, now: float) -> None:
        """Sound that was taken back may leave again; sentences that begin in it are told again."""
        self.playback.release(now)
        for piece in self.pieces:
            if piece.offset_ms > self.playback.sent_ms - ROUNDING_MS:
                piece.announced = False

    def left_unheard(self, now: float) -> bool:
        """Whether a listener went away before all that had been sent was heard, or could be sent."""
        return self.silenced and self.spoken and self.heard_chars(now) < len(self.text)

    def waits_elsewhere(self, now: float) -> bool:
        """Whether more of it may be heard on another socket."""
        place = self.elsewhere
        unheard = self.heard_chars(now) < len(self.text.rstrip())
        return place is not None and now < place.until and unheard

    def follow(self, offset: int, text: str, now: float) -> None:
        """Text of a borrowed reply, from character ``offset`` on; beyond a gap it waits for the rest."""
        fresh = text[len(self.text) - offset :] if offset <= len(self.text) else ""
        if fresh:
            self.take(engine.Text(fresh), now)

    def heard_chars(self, now: float) -> int:
        """How much of its text was heard, here and elsewhere."""
        here = len(self.heard_text(self.playback.heard_ms(now)))
        return max(here, self.elsewhere.chars) if self.elsewhere is not None else here

    def reached(self, now: float) -> int:
        """Where the sentence begins that was being heard; the end of the text if all was."""
        heard = self.heard_chars(now)
        for piece in self.pieces:
            if heard < piece.start + len(piece.text.rstrip()):
                return piece.start
        return self.known_chars

    def heard_text(self, heard_ms: float) -> str:
        """What of the text ``heard_ms`` of its sound say, cut between words."""
        end = 0
        for piece in self.pieces:
            if not piece.announced:
                continue  # not sent yet, or nothing that can be spoken
            if heard_ms <= piece.offset_ms:
                break
            part = heard_ms - piece.offset_ms
            # The synthesiser's sentence ends in a little silence that carries no word.
            if part >= piece.duration_ms - 60:
                end = piece.start + len(piece.text)
                continue
            end = piece.start + _words_until(piece.text, part / piece.duration_ms)
            break
        return self.text[:end]

    def just_said(self, now: float) -> str:
        """The last words of it that were heard, and the next two: what an echo may be of."""
        heard = self.heard_text(self.playback.heard_ms(now))
        return " ".join([*heard.split()[-ECHOED_WORDS:], *self.text[len(heard) :].split()[:2]])

    def finished(self, status: str, now: float) -> FinishedReply:
        heard_ms = heard_text = None
        if self.spoken or (self.elsewhere is not None and self.elsewhere.ms):
            here_ms = self.playback.heard_ms(now)
            heard_ms = round(here_ms + (self.elsewhere.ms if self.elsewhere is not None else 0.0))
            heard_text = self.text[: self.heard_chars(now)]
            all_played = here_ms >= self.playback.sent_ms - 1 and not self.silenced
            if status == "done" and all_played and not self.error:
                heard_text = self.text
        self.mark("ended", now)
        return FinishedReply(
            id=self.id,
            kind=self.kind or "generic",
            status=status,
            text=self.text,
            cards=self.cards,
            items=tuple(self.items),
            heard_text=heard_text or "",
            heard_ms=heard_ms,
            error=self.error,
            timings=dict(self.timings),
            engines={"tts": self.spoken_by} if self.spoken_by else {},
        )


def _words_until(text: str, share: float) -> int:
    """How many characters of ``text`` are whole words within the first ``share`` (< 1) of it."""
    end = int(len(text) * share)
    space = text.rfind(" ", 0, end + 1)
    # Scripts without spaces are cut where the time says.
    return space if space >= 0 else (end if " " not in text.strip() else 0)


def kind_of(first: engine.Piece) -> str:
    """The kind of a reply that begins with this piece."""
    match first:
        case engine.Cards():
            return "property"
        case engine.Item():
            return "realtime"
        case _:
            return "generic"
