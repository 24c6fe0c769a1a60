"""Checks every effect of a session against the rules of a call, at the moment when it comes out."""

from __future__ import annotations

from collections import Counter

from chat import effects as do
from chat import messages as msg


class Witness:
    """Also keeps what the session asked for, to be answered.

    ``begun``: replies that have to end; ``promised``: typed turns that have to be stored;
    ``not_heard``: utterances that came while there was another, or after the client had gone.
    """

    def __init__(self) -> None:
        self.gone = self.closed = self.refused = False
        self.errors = 0
        self.begun: set[str] = set()
        self.promised: set[str] = set()
        self.not_heard: set[str] = set()
        # What was asked for.
        self.stores: list[do.StoreTurn] = []
        self.thinking: list[str] = []
        self.greeting: list[str] = []
        self.speaking: list[do.Synthesize] = []
        self.transcribing: list[do.Transcribe] = []
        self.unstored: list[str] = []
        # What was seen.
        self.drafts: set[str] = set()
        self.forgotten: set[str] = set()
        self.finished: set[str] = set()
        self.told: Counter[tuple[type, str]] = Counter()
        self.ended: dict[str, bool] = {}
        self.finals: dict[str, str] = {}
        self.stored: list[do.StoreTurn] = []
        self.generation = 0
        self.sequence = -1
        self.strictly = False
        # Of the reply that is heard: where its next sample belongs, and how the sentences stand.
        self.position: dict[str, int] = {}
        self.sentence: dict[str, int] = {}
        self.starts: dict[tuple[str, int], int] = {}
        self.cleared: set[str] = set()

    @property
    def live(self) -> bool:
        return not (self.gone or self.closed)

    def see(self, effects: list[do.Effect]) -> None:
        for effect in effects:
            self._see(effect)

    def _see(self, effect: do.Effect) -> None:
        match effect:
            case do.Send(message):
                assert self.live
                self._see_message(message)
            case do.Share(message):
                assert getattr(message, "reply", None) not in self.drafts | self.forgotten
            case do.Play(audio):
                assert self.live
                self._see_audio(audio)
            case do.Close():
                assert self.live
                self.closed = True
            case do.StoreTurn(turn, reply):
                assert reply not in self.forgotten | self.finished
                assert turn not in {before.turn for before in self.stored}
                self.stored.append(effect)
                self.stores.append(effect)
            case do.Transcribe(utterance):
                assert utterance not in self.ended
                self.transcribing.append(effect)
            case do.EndUtterance(utterance, keep):
                assert utterance not in self.ended
                self.ended[utterance] = keep
                if self.live and not self.refused and utterance not in self.not_heard:
                    assert bool(self.finals[utterance]) == keep
            case do.ListenStrictly(on):
                assert on != self.strictly
                self.strictly = on
            case _:
                self._see_reply(effect)

    def _see_reply(self, effect: do.Effect) -> None:
        match effect:
            case do.Think(reply, draft=draft):
                assert reply not in self.finished | self.forgotten | set(self.thinking)
                self.thinking.append(reply)
                if draft:
                    self.drafts.add(reply)
                else:
                    assert reply in self.begun
            case do.Greet(reply):
                self.begun.add(reply)
                self.greeting.append(reply)
            case do.ReplyDelivered(reply):
                self.drafts.remove(reply)
                assert reply in self.begun
            case do.ForgetDraft(reply):
                self.drafts.remove(reply)
                self.forgotten.add(reply)
            case do.Synthesize(reply):
                assert reply not in self.finished | self.forgotten
                self.speaking.append(effect)
            case do.StopThinking(reply) | do.StopSpeaking(reply) | do.CutRecording(reply):
                assert reply not in self.finished | self.forgotten
            case do.NoteText(reply):
                assert reply not in self.finished | self.forgotten | self.drafts
            case do.GiveBack(reply):
                # Whoever holds it writes its end.
                assert reply in self.begun - self.finished
                self.finished.add(reply)
            case do.Finish(reply):
                assert reply.id in self.begun
                assert reply.id not in self.finished | self.forgotten | self.drafts
                assert reply.text.startswith(reply.heard_text)
                self.finished.add(reply.id)
                self.unstored.append(reply.id)

    def _see_message(self, message: msg.Message) -> None:
        reply = getattr(message, "reply", None)
        # That a turn is stored is told before its answer.
        if reply is not None and not isinstance(message, msg.Ack):
            assert reply not in self.drafts | self.forgotten
        match message:
            case msg.Error():
                self.errors += 1
            case msg.Clear(generation):
                assert generation == self.generation + 1
                self.generation = generation
                self.cleared = set(self.position)
            case msg.Transcript(utterance, text, final):
                assert utterance not in self.finals
                if final:
                    self.finals[utterance] = text
            case msg.ReplyStart(reply, generation=generation):
                assert generation == self.generation
                self._tell_once(message, reply)
            case msg.Delta(reply) | msg.CardsShown(reply):
                self._began(reply)
            case msg.TextEnd(reply):
                self._began(reply)
                self._tell_once(message, reply)
            case msg.ReplyEnd(reply):
                assert reply in self.finished
                self._tell_once(message, reply)
            case msg.Sentence(reply, index):
                self._began(reply)
                before = self.sentence.get(reply, -1)
                assert index > before or reply in self.cleared
                self.sentence[reply] = index

    def _tell_once(self, message: msg.Message, reply: str) -> None:
        self.told[type(message), reply] += 1
        assert self.told[type(message), reply] == 1

    def _began(self, reply: str) -> None:
        assert self.told[msg.ReplyStart, reply] == 1
        assert reply not in self.finished

    def _see_audio(self, audio: msg.Audio) -> None:
        """Sample by sample: nothing is left out, and nothing heard twice but after a ``Clear``."""
        reply = audio.reply
        self._began(reply)
        assert audio.sequence == self.sequence + 1
        assert audio.generation == self.generation
        self.sequence = audio.sequence
        expected = self.position.get(reply, 0)
        if reply in self.cleared:
            self.cleared.discard(reply)
            assert audio.position <= expected
            if not audio.first:  # it goes on in the sentence that was being heard
                self.sentence[reply] = max(
                    index
                    for (of, index), start in self.starts.items()
                    if of == reply and start <= audio.position
                )
        else:
            assert audio.position == expected
        samples = len(audio.audio) // 2
        self.position[reply] = audio.position + samples
        place = (reply, self.sentence[reply])
        if audio.first:
            self.starts[place] = audio.position
        if samples:
            value = int.from_bytes(audio.audio[:2], "little")
            assert value == (audio.position - self.starts[place]) % 65_536

    def check_end(self, utterances: list[str]) -> None:
        """The world has answered everything, and the client has gone."""
        assert set(self.ended) == set(utterances)
        assert not self.drafts
        assert self.begun == self.finished
        assert {reply for kind, reply in self.told if kind is msg.ReplyStart} <= self.finished
        stored = {request.client_id or request.turn for request in self.stored}
        if not self.refused:
            assert self.promised <= stored
            assert {utterance for utterance, keep in self.ended.items() if keep} <= stored
        spoken = [request.turn for request in self.stored if request.spoken is not None]
        assert spoken == [utterance for utterance in utterances if utterance in spoken]
