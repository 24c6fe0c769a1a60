"""Answers that are begun while it is not sure yet that the person has ended."""

from __future__ import annotations

import pytest

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from chat.bot import Bot
from dialogue.engine import Card, Cards

from .driven import Call, of, only

QUESTION = "how much is it"
ANSWER = "It is nine hundred euros."
TOLD = do.Send | do.Share | do.Play | do.Finish


def drafting(text: str = QUESTION, *, speculates: bool = True) -> tuple[Call, do.Transcribe]:
    """A call in the silence after somebody spoke: a draft of the answer is thought about."""
    call = Call(hears=True, speculates=speculates)
    call.open()
    return call, call.say(text)


def draft_of(call: Call) -> str:
    [think] = [think for think in of(call.effects, do.Think) if think.draft]
    return think.reply


def written(call: Call, ms: float = 1_000.0) -> list[do.Effect]:
    """The draft is written and synthesised; returns what came of that."""
    draft = draft_of(call)
    began = call.tell(ev.ReplyBegan(draft, "espeak:en"))
    return began + call.answer(draft, ANSWER, ms=ms)


class TestDraft:
    def test_is_thought_about_as_soon_as_the_words_are_known(self) -> None:
        call, _ = drafting()
        think = only(call.effects, do.Think)
        assert (think.text, think.spoken, think.draft) == (QUESTION, True, True)
        assert not of(call.effects, do.StoreTurn)

    def test_is_written_and_synthesised_and_nobody_is_told(self) -> None:
        call, _ = drafting()
        out = written(call)
        assert only(out, do.Synthesize).text == ANSWER
        assert not [effect for effect in out if isinstance(effect, TOLD)]
        assert call.session.bot is Bot.THINKING
        assert of(call.effects, msg.State)[-1] == msg.State("endpointing", "silent")

    def test_asks_for_no_moment_of_its_own(self) -> None:
        call, _ = drafting()
        written(call)
        assert call.session.deadline == pytest.approx(call.now + 0.1)

    def test_is_not_begun_without_speculation(self) -> None:
        call, _ = drafting(speculates=False)
        assert not of(call.effects, do.Think)
        request = only(call.wait(0.2), do.StoreTurn)
        assert only(call.store(request), do.Think) == do.Think(
            request.reply, QUESTION, "", spoken=True
        )

    def test_is_not_begun_when_push_to_talk_was_released(self) -> None:
        call = Call(hears=True)
        call.open()
        out = call.understand(call.pause(call.start(), released=True), QUESTION)
        assert only(out, do.StoreTurn)
        assert not of(out, do.Think)

    def test_is_not_begun_while_another_turn_is_stored(self) -> None:
        call = Call(hears=True)
        call.open()
        call.type("Hello?")
        call.say(QUESTION)
        assert not of(call.effects, do.Think)

    def test_is_not_begun_over_the_answer_to_what_was_typed_meanwhile(self) -> None:
        call = Call(hears=True)
        call.open()
        utterance = call.start()
        reply = call.ask("Hello?")
        call.understand(call.pause(utterance), QUESTION)
        assert [think.reply for think in of(call.effects, do.Think)] == [reply]

    def test_is_not_begun_when_the_client_has_gone(self) -> None:
        call = Call(hears=True)
        call.open()
        call.start()
        request = only(call.tell(ev.Gone()), do.Transcribe)
        out = call.understand(request, QUESTION)
        assert not of(out, do.Think)
        assert only(out, do.StoreTurn).text == QUESTION


class TestDelivery:
    def test_is_told_and_heard_in_the_moment_when_the_turn_is_stored(self) -> None:
        call, _ = drafting()
        written(call)
        request = only(call.wait(0.15), do.StoreTurn)
        assert request.reply == draft_of(call)
        out = call.store(request)
        told = [type(effect.message) for effect in of(out, do.Send)]
        assert told == [
            msg.Ack,
            msg.ReplyStart,
            msg.Delta,
            msg.SentenceKnown,
            msg.TextEnd,
            msg.Sentence,
            msg.State,
        ]
        assert only(out, msg.ReplyStart).turn == request.turn
        assert only(out, do.ReplyDelivered).reply == request.reply
        assert [type(effect.message) for effect in of(out, do.Share)] == [
            msg.ReplyStart,
            msg.Delta,
            msg.TextEnd,
        ]
        assert only(out, do.NoteText).text == ANSWER
        assert of(out, msg.Audio)[0].first
        assert not of(out, do.Think)
        finished = only(call.wait(2.0), do.Finish).reply
        assert (finished.status, finished.heard_text) == ("done", ANSWER)

    def test_counts_its_times_from_the_end_of_the_voice(self) -> None:
        call, _ = drafting()
        written(call)
        call.store(only(call.wait(0.15), do.StoreTurn))
        timings = only(call.wait(2.0), do.Finish).reply.timings
        assert timings["transcript"] == timings["first_text"] == timings["first_sound"] == 100
        assert timings["endpoint"] == 200
        assert timings["stored"] == timings["first_audio"] == 250
        assert timings["ended"] == 1_250

    def test_of_an_answer_without_a_draft_counts_from_there_too(self) -> None:
        call, _ = drafting(speculates=False)
        request = only(call.wait(0.15), do.StoreTurn)
        call.store(request)
        call.tell(ev.ReplyBegan(request.reply, None))
        timings = only(call.write(request.reply, ANSWER), do.Finish).reply.timings
        assert timings["stored"] == timings["first_text"] == 250

    def test_of_a_draft_without_a_word_goes_on_as_an_answer(self) -> None:
        call, _ = drafting()
        request = only(call.wait(0.2), do.StoreTurn)
        out = call.store(request)
        assert not of(out, msg.ReplyStart)
        assert not of(out, do.NoteText)
        out = written(call)
        assert only(out, msg.ReplyStart).turn == request.turn
        assert only(out, do.NoteText)
        assert of(out, do.Play)

    def test_of_cards_tells_them_in_their_place(self) -> None:
        call, _ = drafting()
        draft = draft_of(call)
        call.tell(ev.ReplyBegan(draft, None))
        call.write(draft, Cards([Card("Flat")]), "One flat.")
        out = call.store(only(call.wait(0.2), do.StoreTurn))
        assert only(out, msg.ReplyStart).kind == "property"
        assert only(out, msg.CardsShown).cards == ({"title": "Flat"},)
        assert only(out, do.Finish).reply.status == "done"

    def test_of_a_failed_draft_tells_the_failure(self) -> None:
        call, _ = drafting()
        draft = draft_of(call)
        assert not call.tell(ev.ThoughtEnded(draft, "dialogue_failed", "broken"))
        out = call.store(only(call.wait(0.2), do.StoreTurn))
        assert only(out, msg.Error).code == "dialogue_failed"
        assert only(out, do.Finish).reply.status == "failed"

    def test_of_a_draft_whose_voice_failed_tells_the_text(self) -> None:
        call, _ = drafting()
        draft = draft_of(call)
        call.tell(ev.ReplyBegan(draft, "espeak:en"))
        request = only(call.write(draft, ANSWER), do.Synthesize)
        assert not call.tell(ev.SpeechFailed(draft, request.sentence, "broken"))
        out = call.store(only(call.wait(0.2), do.StoreTurn))
        assert only(out, msg.Error).code == "speech_failed"
        assert only(out, do.Finish).reply.status == "done"

    def test_is_silent_while_the_person_speaks_again(self) -> None:
        call, _ = drafting()
        written(call)
        request = only(call.wait(0.2), do.StoreTurn)
        utterance = call.start()
        out = call.store(request)
        assert only(out, msg.TextEnd)
        assert not of(out, do.Play)
        out = call.understand(call.pause(utterance, 100), "")
        assert of(out, do.Play)


class TestDropped:
    def gone_without_a_trace(self, call: Call, out: list[do.Effect]) -> None:
        draft = draft_of(call)
        assert only(out, do.ForgetDraft).reply == draft
        assert call.session.bot is not Bot.HELD
        late = call.tell(
            ev.PieceArrived(draft, Cards([Card("late")])),
            ev.ThoughtEnded(draft),
            ev.SpeechFailed(draft, 0, "late"),
            ev.Played(draft, 100),
        )
        assert not late
        for effect in call.effects:
            if isinstance(effect, do.Finish):
                assert effect.reply.id != draft
            elif isinstance(effect, do.Send | do.Share):
                assert getattr(effect.message, "reply", None) != draft
            else:
                assert not isinstance(effect, do.Play)

    def test_when_the_person_goes_on(self) -> None:
        call, request = drafting()
        draft = draft_of(call)
        call.tell(ev.ReplyBegan(draft, "espeak:en"))
        call.write(draft, "It is nine hundred euros. And", end=False)
        out = call.tell(ev.SpeechResumed(request.utterance))
        assert only(out, do.StopThinking).reply == draft
        assert only(out, do.StopSpeaking).reply == draft
        self.gone_without_a_trace(call, out)

    def test_for_a_new_one_at_the_next_pause(self) -> None:
        call, request = drafting("two bedroom flat")
        call.tell(ev.SpeechResumed(request.utterance))
        call.understand(call.pause(request.utterance), "two bedroom flat in lisbon")
        drafts = of(call.effects, do.Think)
        assert [draft.text for draft in drafts] == [
            "two bedroom flat",
            "two bedroom flat in lisbon",
        ]
        assert only(call.wait(0.2), do.StoreTurn).reply == drafts[1].reply

    def test_when_stop_is_pressed_in_the_silence(self) -> None:
        call, _ = drafting()
        written(call)
        self.gone_without_a_trace(call, call.tell(ev.Interrupt()))
        request = only(call.wait(1.0), do.StoreTurn)
        assert request.text == QUESTION
        out = call.store(request)
        assert only(out, do.Finish).reply.status == "interrupted"
        assert len(of(call.effects, do.Think)) == 1

    def test_when_a_key_is_pressed_in_the_silence(self) -> None:
        call, _ = drafting()
        self.gone_without_a_trace(call, call.tell(ev.Digit("1")))
        request = only(call.wait(0.5), do.StoreTurn)
        assert request.text == QUESTION
        assert request.reply != draft_of(call)
        assert only(call.store(request), do.Think).reply == request.reply

    def test_when_the_turn_could_not_be_stored(self) -> None:
        call, _ = drafting()
        written(call)
        request = only(call.wait(0.2), do.StoreTurn)
        out = call.tell(ev.TurnNotStored(request.turn, "no room"))
        assert only(out, msg.Error).code == "not_stored"
        self.gone_without_a_trace(call, out)

    def test_when_the_turn_was_stored_before(self) -> None:
        call, _ = drafting()
        written(call)
        request = only(call.wait(0.2), do.StoreTurn)
        out = call.tell(ev.TurnStored(request.turn, request.turn, "old-reply", 9, duplicate=True))
        assert only(out, msg.Ack).reply == "old-reply"
        self.gone_without_a_trace(call, out)

    def test_when_the_call_is_refused(self) -> None:
        call, request = drafting()
        out = call.tell(ev.Refused("not_admitted", "logged out", 4401))
        assert only(out, do.EndUtterance) == do.EndUtterance(request.utterance, keep=False)
        self.gone_without_a_trace(call, out)

    def test_when_too_much_waits_already(self) -> None:
        call, request = drafting()
        call.tell(ev.SpeechResumed(request.utterance))
        again = call.pause(request.utterance)
        call.tell(*(ev.Typed(f"t-{n}", "more") for n in range(16)))
        out = call.understand(again, QUESTION)
        assert only(out, msg.Error).code == "busy"
        assert len(of(out, do.ForgetDraft)) == len(of(out, do.Think))


class TestCut:
    """A draft whose turn is being stored ends like any other reply, if it is stored."""

    def storing(self) -> tuple[Call, do.StoreTurn]:
        call, _ = drafting()
        written(call)
        return call, only(call.wait(0.15), do.StoreTurn)

    def is_ended(self, call: Call, request: do.StoreTurn, out: list[do.Effect]) -> None:
        assert only(out, msg.ReplyStart).reply == request.reply
        finished = only(out, do.Finish).reply
        assert (finished.id, finished.status, finished.text) == (
            request.reply,
            "interrupted",
            ANSWER,
        )
        assert not of(call.effects, do.Play)
        assert not of(call.effects, do.ForgetDraft)
        assert len(of(call.effects, do.Think)) == 1

    def test_by_stop(self) -> None:
        call, request = self.storing()
        assert not of(call.tell(ev.Interrupt()), do.ShareInterrupt)
        self.is_ended(call, request, call.store(request))

    def test_by_words_that_follow(self) -> None:
        call, request = self.storing()
        utterance = call.start()
        call.tell(ev.PartialTranscript(utterance, "in lisbon"))
        self.is_ended(call, request, call.store(request))

    def test_by_a_key(self) -> None:
        call, request = self.storing()
        call.tell(ev.Digit("1"))
        self.is_ended(call, request, call.store(request))

    def test_by_a_typed_turn(self) -> None:
        call, request = self.storing()
        call.tell(ev.Typed("t-1", "No, Porto."))
        out = call.store(request)
        assert only(out, do.StoreTurn).text == "No, Porto."
        self.is_ended(call, request, out)

    def test_and_not_stored_is_forgotten(self) -> None:
        call, request = self.storing()
        call.tell(ev.Interrupt())
        out = call.tell(ev.TurnNotStored(request.turn, "no room"))
        assert only(out, do.ForgetDraft).reply == request.reply
        assert not of(call.effects, do.Finish)

    def test_by_a_text_typed_in_the_silence(self) -> None:
        call, _ = drafting()
        written(call)
        request = only(call.tell(ev.Typed("t-1", "No, Porto.")), do.StoreTurn)
        assert request.text == QUESTION
        out = call.store(request)
        self.is_ended(call, request, out)
        assert only(out, do.StoreTurn).text == "No, Porto."


class TestGone:
    def test_in_the_silence_the_turn_is_stored_and_answered_in_text(self) -> None:
        call, _ = drafting()
        draft = draft_of(call)
        call.tell(ev.ReplyBegan(draft, "espeak:en"))
        call.write(draft, "It is nine hundred euros. And", end=False)
        out = call.tell(ev.Gone())
        assert only(out, do.StopSpeaking).reply == draft
        request = only(out, do.StoreTurn)
        assert (request.text, request.reply) == (QUESTION, draft)
        out = call.store(request) + call.write(draft, " that is all.")
        assert not of(out, do.Send)
        assert not of(out, do.Play)
        assert next(type(effect.message) for effect in of(out, do.Share)) is msg.ReplyStart
        finished = only(out, do.Finish).reply
        assert (finished.status, finished.heard_ms) == ("done", None)
        call.tell(ev.ReplyStored(draft, None))
        assert call.session.over

    def test_a_draft_that_is_taken_over_elsewhere_waits_for_its_turn(self) -> None:
        call, _ = drafting()
        assert not call.tell(ev.TakenOver(draft_of(call)))
