"""A world around a session that does everything at random, and looks at all that comes of it."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chat import effects as do
from chat import events as ev
from chat.bot import Bot
from chat.person import Person
from dialogue.engine import Card, Cards, Item, Text

from .driven import RATE, V1, Call, stored
from .witness import Witness

PIECES = st.one_of(
    st.sampled_from(
        ["Hello there. ", "How are you? ", "word ", "Sentence number one.\n", "***"]
    ).map(Text),
    st.just(Item("It is noon in Tokyo.")),
    st.just(Cards([Card("Flat")])),
)
# "hello there" is what the bot says too.
WORDS = ["", "yes", "two bedroom flat in", "hello there", "how much is it", "\0"]
SELDOM = st.sampled_from([False] * 9 + [True])
# Mostly the last, which is the one that is alive.
WHICH = st.sampled_from([0] * 8 + [1, 2])
STOPS: st.SearchStrategy[ev.Event] = st.sampled_from([ev.Interrupt(), ev.Interrupted()])
LEAVES: st.SearchStrategy[ev.Event] = st.sampled_from([ev.HungUp(), ev.Gone()])
DISTURBANCES = ["interrupt", "digit", "configure", "taken over", "leave", "log out"]


class RandomCall(RuleBasedStateMachine):
    """What the session asks for is answered, late, twice, or never."""

    manners = V1
    hears = True
    speculates = True

    def __init__(self) -> None:
        super().__init__()
        self.call = Call(self.manners, hears=self.hears, speculates=self.speculates)
        self.witness = Witness()
        self.rev = 0
        self.typed = 0
        self.utterances: list[str] = []
        self.sounds: dict[tuple[str, int], int] = {}
        self.call.open(
            "Welcome to this place.", reminder="Are you still there?", goodbye="Goodbye."
        )
        self.witness.see(self.call.effects)

    def tell(self, event: ev.Event) -> None:
        self.witness.gone = self.witness.gone or isinstance(event, ev.Gone)
        self.witness.see(self.call.tell(event))

    # --- the client -----------------------------------------------------------------------------

    @rule(text=st.sampled_from(["hello", "flat in Lisbon", " ", "x" * 9_000]), again=SELDOM)
    def type(self, text: str, again: bool) -> None:
        self.typed += not again
        live = self.witness.live
        errors = self.witness.errors
        self.tell(ev.Typed(f"t-{self.typed}", text))
        if live and self.witness.errors == errors:
            self.witness.promised.add(f"t-{self.typed}")

    @rule(data=st.data(), what=st.sampled_from(DISTURBANCES))
    def disturb(self, data: st.DataObject, what: str) -> None:
        """What comes seldom, and stops what it meets."""
        event: ev.Event | None = None
        match what:
            case "interrupt":
                event = data.draw(STOPS)
            case "digit":
                event = ev.Digit(data.draw(st.sampled_from("1#")))
            case "configure":
                event = ev.Configure(audio=data.draw(st.sampled_from([True, True, False])))
            case "taken over":
                event = ev.TakenOver(max(self.witness.begun))
            case "leave" if data.draw(SELDOM):
                event = data.draw(LEAVES)
            case "log out" if data.draw(SELDOM):
                self.witness.refused = True
                event = ev.Refused("not_admitted", "logged out", 4401)
        if event is not None:
            self.tell(event)

    @rule(ms=st.sampled_from([0.0, 150.0, 700.0, 10_000.0]), done=SELDOM)
    def report(self, ms: float, done: bool) -> None:
        for reply in sorted(self.witness.begun):
            self.tell(ev.Played(reply, ms, done))

    @rule(seconds=st.sampled_from([0.03, 0.1, 0.3, 0.7, 3.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.witness.see(self.call.wait(seconds))

    # --- the ear --------------------------------------------------------------------------------

    @precondition(lambda self: self.hears)
    @rule(ago_ms=st.sampled_from([0.0, 96.0, 400.0]), text=st.sampled_from(WORDS))
    def speak(self, ago_ms: float, text: str) -> None:
        utterance = f"u-{len(self.utterances)}"
        self.utterances.append(utterance)
        if self.call.session.person is not Person.SILENT or self.witness.gone:
            self.witness.not_heard.add(utterance)
        self.tell(ev.SpeechStarted(utterance, ago_ms))
        self.tell(ev.PartialTranscript(utterance, text))

    @precondition(lambda self: self.hears)
    @rule(text=st.sampled_from(WORDS))
    def say(self, text: str) -> None:
        """All of an utterance, unless the person speaks already."""
        self.speak(96.0, "")
        self.wait(0.3)
        self.pause(0, 96.0, 300.0, False)
        if self.witness.transcribing:
            self.understand(0, text, False)

    @precondition(lambda self: self.utterances)
    @rule(
        which=WHICH,
        ago_ms=st.sampled_from([0.0, 96.0, 2_000.0]),
        voice_ms=st.sampled_from([64.0, 300.0, 2_000.0]),
        released=SELDOM,
    )
    def pause(self, which: int, ago_ms: float, voice_ms: float, released: bool) -> None:
        self.tell(ev.SpeechPaused(self.recent(which), ago_ms, voice_ms, released))

    @precondition(lambda self: self.utterances)
    @rule(which=WHICH)
    def resume(self, which: int) -> None:
        self.tell(ev.SpeechResumed(self.recent(which)))

    @precondition(lambda self: self.utterances)
    @rule(which=WHICH, text=st.sampled_from(WORDS))
    def guess_words(self, which: int, text: str) -> None:
        self.tell(ev.PartialTranscript(self.recent(which), text))

    def recent(self, which: int) -> str:
        """Mostly the last utterance; those before it have ended, or were never heard."""
        return self.utterances[-1 - which % len(self.utterances)]

    @precondition(lambda self: self.witness.transcribing)
    @rule(which=WHICH, text=st.sampled_from(WORDS), fails=SELDOM)
    def understand(self, which: int, text: str, fails: bool) -> None:
        requests = self.witness.transcribing
        request = requests[-1 - which % len(requests)]
        code = "stt_failed" if fails else ""
        words = "" if fails else text
        self.tell(ev.Transcribed(request.utterance, request.pause, words, "scripted", code))

    # --- the database ---------------------------------------------------------------------------

    @precondition(lambda self: self.witness.stores)
    @rule(how=st.sampled_from(["stored", "stored", "stored", "duplicate", "refused"]))
    def answer_store(self, how: str) -> None:
        self.store(self.witness.stores.pop(0), how)

    def store(self, request: do.StoreTurn, how: str) -> None:
        if how == "refused":
            self.tell(ev.TurnNotStored(request.turn, "no"))
            return
        self.rev += 2
        duplicate = how == "duplicate" and request.client_id is not None
        if not duplicate:
            self.witness.begun.add(request.reply)
        self.tell(ev.TurnStored(request.turn, request.turn, request.reply, self.rev, duplicate))

    @precondition(lambda self: self.witness.unstored)
    @rule(kept=st.booleans())
    def store_end(self, kept: bool) -> None:
        self.rev += kept
        reply = self.witness.unstored.pop(0)
        self.tell(ev.ReplyStored(reply, stored(reply, self.rev) if kept else None))

    # --- the engines ----------------------------------------------------------------------------

    @precondition(lambda self: self.witness.thinking)
    @rule(voice=st.sampled_from(["espeak:en", "espeak:en", None]))
    def begin(self, voice: str | None) -> None:
        self.tell(ev.ReplyBegan(self.witness.thinking[-1], voice))

    @precondition(lambda self: self.witness.greeting)
    @rule(voice=st.sampled_from(["espeak:en", "espeak:en", None]))
    def greet(self, voice: str | None) -> None:
        self.tell(ev.ReplyBegan(self.witness.greeting[-1], voice))

    @precondition(lambda self: self.witness.thinking)
    @rule(piece=PIECES, which=WHICH)
    def write(self, piece: Text | Item | Cards, which: int) -> None:
        reply = self.witness.thinking[-1 - which % len(self.witness.thinking)]
        self.tell(ev.PieceArrived(reply, piece))

    @precondition(lambda self: self.witness.thinking)
    @rule(pieces=st.lists(PIECES, min_size=1, max_size=3), ends=st.booleans())
    def answer(self, pieces: list[Text | Item | Cards], ends: bool) -> None:
        self.begin("espeak:en")
        for piece in pieces:
            self.write(piece, 0)
        if ends:
            self.end_thought("")
        self.synthesise_if_asked()

    def synthesise_if_asked(self) -> None:
        if self.witness.speaking:
            self.synthesise(1_500.0, 0, False, False)

    @precondition(lambda self: self.call.session.bot is Bot.SILENT)
    @rule(aloud=st.booleans(), ends=st.booleans())
    def converse(self, aloud: bool, ends: bool) -> None:
        """A turn is stored, and the bot begins to speak."""
        if aloud and self.hears:
            self.say("how much is it")
            self.wait(0.3)
        else:
            self.type("hello", False)
        while self.witness.stores:
            self.answer_store("stored")
        if self.witness.thinking:
            self.answer([Text("A long sentence to begin with. "), Text("And more.")], ends)

    @precondition(lambda self: self.witness.thinking)
    @rule(code=st.sampled_from(["", "", "dialogue_failed"]))
    def end_thought(self, code: str) -> None:
        self.tell(ev.ThoughtEnded(self.witness.thinking[-1], code, "message"))

    @precondition(lambda self: self.witness.speaking)
    @rule(
        ms=st.sampled_from([20.0, 200.0, 1_500.0, 1_000 / 3]),
        which=WHICH,
        is_clip=SELDOM,
        last=st.booleans(),
    )
    def synthesise(self, ms: float, which: int, is_clip: bool, last: bool) -> None:
        """Each sample says where in its sentence it stands."""
        request = self.witness.speaking[-1 - which % len(self.witness.speaking)]
        place = (request.reply, request.sentence)
        start = self.sounds.get(place, 0)
        samples = round(ms * RATE / 1000)
        self.sounds[place] = start + samples
        pcm = np.arange(start, start + samples).astype("<u2").tobytes()
        sound = ev.Sound(pcm, ms, samples, pcm, is_clip=is_clip)
        self.tell(ev.SoundArrived(*place, sound))
        if last:
            self.tell(ev.SentenceSynthesised(*place))

    @precondition(lambda self: self.witness.speaking)
    @rule(fails=SELDOM)
    def end_sentence(self, fails: bool) -> None:
        request = self.witness.speaking[-1]
        if fails:
            self.tell(ev.SpeechFailed(request.reply, request.sentence, "no voice"))
        else:
            self.tell(ev.SentenceSynthesised(request.reply, request.sentence))

    # --- always ---------------------------------------------------------------------------------

    @invariant()
    def states_fit(self) -> None:
        session = self.call.session
        assert (session.bot is Bot.SILENT) == (session._bot.reply is None)
        assert (session.person is Person.SILENT) == (session._person.utterance is None)
        assert session.bot is not Bot.HELD or session._bot._hushed or self.witness.gone

    def teardown(self) -> None:
        """When the world answers everything and the client leaves, every turn has ended."""
        self.tell(ev.Gone())
        for _ in range(100):
            if self.call.session.over:
                break
            self.answer_everything()
        assert self.call.session.over
        self.witness.check_end(self.utterances)
        assert self.call.session.deadline is None
        assert not self.call.tell(ev.Tick())

    def answer_everything(self) -> None:
        witness = self.witness
        for request in list(witness.transcribing):
            self.tell(ev.Transcribed(request.utterance, request.pause, "goodbye", "scripted"))
        while witness.stores:
            self.store(witness.stores.pop(0), "stored")
        for reply in witness.greeting:
            self.tell(ev.ReplyBegan(reply, None))
        for reply in witness.thinking:
            self.tell(ev.ThoughtEnded(reply))
        while witness.unstored:
            self.tell(ev.ReplyStored(witness.unstored.pop(), None))
