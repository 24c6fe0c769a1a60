"""What holds whatever happens in whatever order: clients and engines are driven at random."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from chat.session import Bot, Person
from dialogue.engine import Card, Cards, Item, Text

from .driven import ORIGINAL, V1, Call, of, sound, stored

PIECES = st.one_of(
    st.sampled_from(
        ["Hello there. ", "How are you? ", "word ", "Sentence number one.\n", "***"]
    ).map(Text),
    st.just(Item("It is noon in Tokyo.")),
    st.just(Cards([Card("Flat")])),
)


class RandomCall(RuleBasedStateMachine):
    """The world around a session: what it asks for is answered, late, twice, or never."""

    manners = V1

    def __init__(self) -> None:
        super().__init__()
        self.call = Call(self.manners)
        self.call.open("Welcome to this place.")
        self.rev = 0
        self.gone = False
        self.closed = False
        self.finished: dict[str, int] = {}
        self.begun: set[str] = set()
        self.stores: list[do.StoreTurn] = []
        self.thinking: list[str] = []
        self.speaking: list[do.Synthesize] = []
        self.unstored: list[str] = []
        self.typed = 0
        self.played: dict[str, list[msg.Audio]] = {}
        self.sequence = -1
        self.look(self.call.effects)

    def tell(self, *events: ev.Event) -> None:
        self.look(self.call.tell(*events))

    def look(self, effects: list[do.Effect]) -> None:
        """Check each effect against the rules at the moment when it comes out."""
        for effect in effects:
            match effect:
                case do.Send():
                    assert not self.gone
                    assert not self.closed
                case do.Play(audio):
                    assert not self.gone
                    assert audio.reply not in self.finished
                    assert audio.sequence == self.sequence + 1
                    self.sequence = audio.sequence
                    self.in_order(audio)
                case do.Close():
                    self.closed = True
                case do.StoreTurn():
                    self.stores.append(effect)
                case do.Think(reply) | do.Greet(reply):
                    assert reply not in self.finished
                    self.begun.add(reply)
                    self.thinking.append(reply)
                case do.Synthesize():
                    assert effect.reply not in self.finished
                    self.speaking.append(effect)
                case do.Finish(reply):
                    self.finished[reply.id] = self.finished.get(reply.id, 0) + 1
                    assert self.finished[reply.id] == 1
                    assert reply.text.startswith(reply.heard_text)
                    self.unstored.append(reply.id)

    def in_order(self, audio: msg.Audio) -> None:
        before = self.played.setdefault(audio.reply, [])
        expected = before[-1].position + len(before[-1].audio) // 2 if before else 0
        assert audio.position == expected
        if before:
            assert audio.first == before[-1].last
        else:
            assert audio.first
        before.append(audio)

    @rule(text=st.sampled_from(["hello", "flat in Lisbon", " ", "x" * 9_000]), again=st.booleans())
    def type(self, text: str, again: bool) -> None:
        self.typed += not again
        if not self.gone:
            self.tell(ev.Typed(f"t-{self.typed}", text))

    @rule()
    def interrupt(self) -> None:
        if not self.gone:
            self.tell(ev.Interrupt())

    @precondition(lambda self: self.stores)
    @rule(how=st.sampled_from(["stored", "duplicate", "refused"]))
    def answer_store(self, how: str) -> None:
        request = self.stores.pop(0)
        if how == "refused":
            self.tell(ev.TurnNotStored(request.turn, "no"))
            return
        self.rev += 2
        duplicate = how == "duplicate"
        if not duplicate:
            self.begun.add(request.reply)
        self.tell(ev.TurnStored(request.turn, "old", request.reply, self.rev, duplicate))

    @precondition(lambda self: self.thinking)
    @rule(voice=st.sampled_from(["espeak:en", None]))
    def begin(self, voice: str | None) -> None:
        self.tell(ev.ReplyBegan(self.thinking[-1], voice))

    @precondition(lambda self: self.thinking)
    @rule(piece=PIECES, which=st.integers(0, 5))
    def write(self, piece: Text | Item | Cards, which: int) -> None:
        reply = self.thinking[-1 - which % len(self.thinking)]
        self.tell(ev.PieceArrived(reply, piece))

    @precondition(lambda self: self.thinking)
    @rule(code=st.sampled_from(["", "", "dialogue_failed"]))
    def end_thought(self, code: str) -> None:
        self.tell(ev.ThoughtEnded(self.thinking[-1], code, "message"))

    @precondition(lambda self: self.speaking)
    @rule(ms=st.sampled_from([20.0, 200.0, 1_500.0]), which=st.integers(0, 5))
    def synthesise(self, ms: float, which: int) -> None:
        request = self.speaking[-1 - which % len(self.speaking)]
        self.tell(ev.SoundArrived(request.reply, request.sentence, sound(ms)))

    @precondition(lambda self: self.speaking)
    @rule(how=st.sampled_from(["spoken", "spoken", "failed"]))
    def end_sentence(self, how: str) -> None:
        request = self.speaking[-1]
        if how == "spoken":
            self.tell(ev.SentenceSynthesised(request.reply, request.sentence))
        else:
            self.tell(ev.SpeechFailed(request.reply, request.sentence, "no voice"))

    @precondition(lambda self: self.begun)
    @rule(ms=st.floats(0, 10_000), done=st.booleans())
    def report(self, ms: float, done: bool) -> None:
        if not self.gone:
            for reply in sorted(self.begun):
                self.tell(ev.Played(reply, ms, done))

    @precondition(lambda self: self.unstored)
    @rule(kept=st.booleans())
    def store_end(self, kept: bool) -> None:
        self.rev += kept
        reply = self.unstored.pop(0)
        self.tell(ev.ReplyStored(reply, stored(reply, self.rev) if kept else None))

    @precondition(lambda self: self.begun)
    @rule()
    def take_over(self) -> None:
        self.tell(ev.TakenOver(max(self.begun)))

    @rule(audio=st.sampled_from([True, False, None]))
    def configure(self, audio: bool | None) -> None:
        if not self.gone:
            self.tell(ev.Configure(audio=audio))

    @rule(seconds=st.sampled_from([0.05, 0.4, 3.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.look(self.call.wait(seconds))

    @precondition(lambda self: self.typed > 2)
    @rule()
    def go(self) -> None:
        if not self.gone:
            self.gone = True
            self.tell(ev.Gone())

    @invariant()
    def state_fits_the_reply(self) -> None:
        session = self.call.session
        assert (session.bot is Bot.SILENT) == (session._reply is None)
        assert (session.person is Person.ENDPOINTING) == session._turns.is_storing

    def teardown(self) -> None:
        """When the world answers everything and the client leaves, every turn has ended."""
        if not self.gone:
            self.gone = True
            self.tell(ev.Gone())
        for _ in range(100):
            for request in self.stores:
                self.rev += 2
                self.begun.add(request.reply)
                self.tell(ev.TurnStored(request.turn, request.turn, request.reply, self.rev))
            self.stores.clear()
            for reply in self.thinking:
                self.tell(ev.ThoughtEnded(reply))
            while self.unstored:
                self.tell(ev.ReplyStored(self.unstored.pop(), None))
            if self.call.session.over:
                break
        assert self.call.session.over
        assert self.begun <= set(self.finished)
        assert self.call.session.deadline is None
        assert not of(self.call.tell(ev.Tick()), do.Send)


class RandomOriginalCall(RandomCall):
    manners = ORIGINAL


TestVersion1 = RandomCall.TestCase
TestVersion1.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestOriginal = RandomOriginalCall.TestCase
TestOriginal.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
