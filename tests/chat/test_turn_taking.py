"""When a turn begins and ends: the two tables, and the waits at the end of what somebody says."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from chat.bot import Bot
from chat.moves import IllegalMove
from chat.person import Person

from .driven import NOTICED_MS, Call, of, only

PERSON_TABLE = {
    #               speech       pause         complete  drop
    "silent": ("hearing", None, None, None),
    "hearing": (None, "endpointing", None, "silent"),
    "endpointing": ("hearing", None, "silent", "silent"),
}
BOT_TABLE = {
    #               think        speak         hold      release     end
    "silent": ("thinking", None, None, None, None),
    "thinking": (None, "speaking", None, None, "silent"),
    "speaking": (None, None, "held", None, "silent"),
    "held": (None, None, None, "speaking", "silent"),
}


def cells(
    table: Mapping[str, tuple[str | None, ...]], *signals: str
) -> list[tuple[str, str, str | None]]:
    return [
        (state, signal, after)
        for state, row in table.items()
        for signal, after in zip(signals, row, strict=True)
    ]


class TestTables:
    @pytest.mark.parametrize(
        ("state", "signal", "after"), cells(PERSON_TABLE, "speech", "pause", "complete", "drop")
    )
    def test_of_the_person(self, state: str, signal: str, after: str | None) -> None:
        region = Call(hears=True).session._person
        region.state = Person(state)
        if after is None:
            with pytest.raises(IllegalMove, match=f"Person {state}: {signal}"):
                region._move(signal)
        else:
            region._move(signal)
        assert region.state is Person(after or state)

    @pytest.mark.parametrize(
        ("state", "signal", "after"), cells(BOT_TABLE, "think", "speak", "hold", "release", "end")
    )
    def test_of_the_bot(self, state: str, signal: str, after: str | None) -> None:
        call = Call(hears=True)
        call.open()
        region = call.session._bot
        region.state = Bot(state)
        effects = call.session._line.begin(call.now)
        if after is None:
            with pytest.raises(IllegalMove, match=f"Bot {state}: {signal}"):
                region._move(signal)
            assert not effects
        else:
            region._move(signal)
        assert region.state is Bot(after or state)


def ends_after(call: Call) -> float:
    """How long after the last sound of the voice, just noticed, the turn is taken to be over."""
    ended_at = call.now - NOTICED_MS / 1000
    for _ in range(400):
        if any(transcript.final for transcript in of(call.wait(0.005), msg.Transcript)):
            return call.now - ended_at
    raise AssertionError("it does not end")


def listening(language: str = "en") -> Call:
    call = Call(hears=True)
    call.open(language=language)
    return call


def waits(seconds: float) -> object:
    return pytest.approx(seconds, abs=0.006)


class TestEndOfTurn:
    @pytest.mark.parametrize(
        ("text", "language", "seconds"),
        [
            ("how much is it", "en", 0.2),
            ("two bedroom flat in lisbon", "en", 0.2),
            ("two bedroom flat in", "en", 0.8),
            ("i want to", "en", 0.8),
            ("wie viel kostet das", "de", 0.45),
            ("Wie viel kostet das?", "de", 0.2),
            ("", "en", 0.45),
        ],
    )
    def test_waits_as_long_as_the_words_ask_for(
        self, text: str, language: str, seconds: float
    ) -> None:
        call = listening(language)
        call.say(text)
        assert ends_after(call) == waits(seconds)

    def test_is_told_and_its_turn_stored_with_its_words_and_times(self) -> None:
        call = listening()
        began_at = call.now - NOTICED_MS / 1000
        utterance = call.say("how much is it", seconds=2.0).utterance
        out = call.wait(0.15)
        assert only(out, msg.Transcript) == msg.Transcript(utterance, "how much is it", final=True)
        assert only(out, do.EndUtterance) == do.EndUtterance(utterance, keep=True)
        request = only(out, do.StoreTurn)
        assert (request.turn, request.client_id, request.text) == (
            utterance,
            utterance,
            "how much is it",
        )
        assert request.spoken is not None
        assert (request.spoken.began_at, request.spoken.engine) == (began_at, "scripted")
        assert request.spoken.timings == {"transcript": 100.0, "endpoint": 200.0}

    def test_is_acknowledged_when_it_is_stored_under_the_utterance(self) -> None:
        call = listening()
        utterance = call.say("how much is it").utterance
        out = call.wait(0.2)
        assert not of(out, msg.Ack)
        request = only(out, do.StoreTurn)
        ack = only(call.store(request), msg.Ack)
        assert (ack.id, ack.turn, ack.reply) == (utterance, utterance, request.reply)

    def test_comes_with_the_words_where_they_come_late(self) -> None:
        call = listening()
        request = call.pause(call.start())
        assert not of(call.wait(5.0), do.StoreTurn)
        assert of(call.understand(request, "how much is it"), do.StoreTurn)

    def test_comes_with_the_words_when_push_to_talk_is_released(self) -> None:
        call = listening()
        request = call.pause(call.start(), released=True)
        assert of(call.understand(request, "i want to"), do.StoreTurn)

    def test_comes_at_once_when_push_to_talk_is_released_in_the_silence(self) -> None:
        call = listening()
        utterance = call.say("i want to").utterance
        out = call.tell(ev.SpeechPaused(utterance, NOTICED_MS, 1_000, released=True))
        assert of(out, do.StoreTurn)

    def test_does_not_come_while_they_go_on(self) -> None:
        call = listening()
        utterance = call.say("two bedroom flat in").utterance
        call.wait(0.3)
        call.tell(ev.SpeechResumed(utterance))
        assert call.session.person is Person.HEARING
        assert not of(call.wait(20.0), do.StoreTurn)
        call.understand(call.pause(utterance), "two bedroom flat in lisbon")
        assert ends_after(call) == waits(0.2)
        assert only(call.effects, do.StoreTurn).text == "two bedroom flat in lisbon"

    def test_loses_the_nul_that_postgresql_cannot_keep(self) -> None:
        call = listening()
        call.say(" a\0b ")
        assert only(call.wait(1.0), do.StoreTurn).text == "ab"

    def test_partial_words_are_told_once_each(self) -> None:
        call = listening()
        utterance = call.start()
        partial = ev.PartialTranscript(utterance, "how much")
        told = only(call.tell(partial, partial), msg.Transcript)
        assert told == msg.Transcript(utterance, "how much", final=False)


class TestPatience:
    def turn(self, call: Call, text: str = "yes please") -> float:
        """A spoken turn; returns how long its end was waited for."""
        call.say(text, seconds=0.3)
        waited = ends_after(call)
        call.store(of(call.effects, do.StoreTurn)[-1])
        call.tell(ev.Interrupt())
        return waited

    def test_grows_when_they_go_on_right_after_their_turn_was_taken(self) -> None:
        call = listening()
        assert self.turn(call) == waits(0.2)
        call.wait(0.5)
        assert self.turn(call) == waits(0.28)

    def test_shrinks_again_with_turns_that_were_not_cut_short(self) -> None:
        call = listening()
        self.turn(call)
        waited = [self.turn(call)]
        for _ in range(6):
            call.wait(5.0)
            waited.append(self.turn(call))
        assert waited == sorted(waited, reverse=True)
        assert waited[1] == waits(0.252)
        assert waited[-1] == waits(0.2)

    def test_grows_up_to_a_ceiling(self) -> None:
        call = listening()
        for _ in range(8):
            self.turn(call)
        assert self.turn(call) == waits(0.5)
        assert self.turn(call, "i want to") == waits(1.5)

    def test_does_not_grow_when_push_to_talk_is_pressed_again_soon(self) -> None:
        call = listening()
        request = call.pause(call.start(), released=True)
        call.store(only(call.understand(request, "yes"), do.StoreTurn))
        call.wait(0.5)
        assert self.turn(call) == waits(0.2)


class TestCeilings:
    def test_endless_speech_is_cut_into_utterances_of_a_minute(self) -> None:
        call = listening()
        utterance = call.start()
        assert not of(call.wait(59.9), do.Transcribe)
        request = only(call.wait(0.2), do.Transcribe)
        assert not call.tell(ev.SpeechResumed(utterance))
        out = call.understand(request, "and so on and so on and")
        assert only(out, do.StoreTurn).turn == utterance
        assert only(out, do.EndUtterance).keep
        assert call.start()
        assert call.session.person is Person.HEARING

    def test_pauses_do_not_make_the_minute_longer(self) -> None:
        call = listening()
        utterance = call.start()
        for _ in range(12):
            call.wait(4.9)
            call.pause(utterance)
            call.wait(0.1)
            call.tell(ev.SpeechResumed(utterance))
        assert call.session.person is Person.ENDPOINTING

    def test_a_recogniser_that_does_not_answer_is_given_up(self) -> None:
        call = listening()
        utterance = call.start()
        request = call.pause(utterance)
        assert not of(call.wait(9.8), do.EndUtterance)
        out = call.wait(0.3)
        assert only(out, do.EndUtterance) == do.EndUtterance(utterance, keep=False)
        assert only(out, msg.Transcript) == msg.Transcript(utterance, "", final=True)
        error = only(out, msg.Error)
        assert (error.code, error.id) == ("stt_failed", utterance)
        assert not call.understand(request, "too late")

    def test_turns_that_wait_are_bounded_spoken_ones_too(self) -> None:
        call = listening()
        call.type("is stored for ever", "t-0")
        for _ in range(16):
            call.say("yes please", seconds=0.3)
            call.wait(0.5)
        assert not of(call.effects, msg.Error)
        utterance = call.say("one too many").utterance
        error = only(call.effects, msg.Error)
        assert (error.code, error.id) == ("busy", utterance)
        assert of(call.effects, do.EndUtterance)[-1] == do.EndUtterance(utterance, keep=False)


class TestNotUnderstood:
    def test_silence_after_a_noise_leaves_nothing(self) -> None:
        call = listening()
        utterance = call.say("").utterance
        out = call.wait(5.0)
        assert only(out, msg.Transcript) == msg.Transcript(utterance, "", final=True)
        assert only(out, do.EndUtterance) == do.EndUtterance(utterance, keep=False)
        assert not of(call.effects, do.StoreTurn)
        assert not of(call.effects, do.Think)

    def test_a_recogniser_that_fails_is_told_and_the_next_words_count(self) -> None:
        call = listening()
        request = call.pause(call.start())
        failed = ev.Transcribed(request.utterance, request.pause, "", "", "stt_failed", "broken")
        call.tell(failed)
        error = only(call.wait(1.0), msg.Error)
        assert (error.code, error.message, error.id) == ("stt_failed", "broken", request.utterance)
        call.say("yes please")
        assert only(call.wait(1.0), do.StoreTurn).text == "yes please"

    def test_words_that_were_told_before_it_failed_are_taken(self) -> None:
        call = listening()
        request = call.pause(call.start())
        call.tell(ev.PartialTranscript(request.utterance, "yes please"))
        call.tell(ev.Transcribed(request.utterance, request.pause, "", "", "stt_failed", "broken"))
        assert only(call.wait(1.0), do.StoreTurn).text == "yes please"
        assert not of(call.effects, msg.Error)

    def test_words_that_were_told_before_it_fell_silent_are_taken(self) -> None:
        call = listening()
        utterance = call.start()
        call.tell(ev.PartialTranscript(utterance, "yes please"))
        call.pause(utterance)
        out = call.wait(10.5)
        assert only(out, do.StoreTurn).text == "yes please"
        assert only(out, do.EndUtterance) == do.EndUtterance(utterance, keep=True)
        assert not of(out, msg.Error)

    def test_a_failure_in_a_pause_is_forgotten_when_the_next_pause_is_understood(self) -> None:
        call = listening()
        utterance = call.start()
        request = call.pause(utterance)
        call.tell(ev.Transcribed(utterance, request.pause, "", "", "stt_failed", "broken"))
        call.tell(ev.SpeechResumed(utterance))
        call.understand(call.pause(utterance), "yes please")
        out = call.wait(1.0)
        assert only(out, do.StoreTurn).text == "yes please"
        assert not of(out, msg.Error)


class TestLate:
    def test_words_of_an_earlier_pause_are_dropped(self) -> None:
        call = listening()
        utterance = call.start()
        first = call.pause(utterance)
        call.tell(ev.SpeechResumed(utterance))
        assert not call.understand(first, "two bedroom flat")
        second = call.pause(utterance)
        assert second.pause == first.pause + 1
        assert not call.understand(first, "two bedroom flat")
        call.understand(second, "two bedroom flat in lisbon")
        assert only(call.wait(1.0), do.StoreTurn).text == "two bedroom flat in lisbon"

    def test_words_that_are_told_twice_count_once(self) -> None:
        call = listening()
        request = call.say("two bedroom flat")
        assert not call.understand(request, "three bedroom flat")
        assert only(call.wait(1.0), do.StoreTurn).text == "two bedroom flat"

    def test_what_comes_for_an_utterance_that_is_over_is_dropped(self) -> None:
        call = listening()
        request = call.say("yes please")
        call.wait(1.0)
        assert not call.tell(
            ev.SpeechPaused(request.utterance, 0, 1_000),
            ev.SpeechResumed(request.utterance),
            ev.PartialTranscript(request.utterance, "yes"),
            ev.Transcribed(request.utterance, request.pause, "yes"),
        )

    def test_a_second_utterance_at_the_same_time_is_ended_unheard(self) -> None:
        call = listening()
        call.start()
        out = call.tell(ev.SpeechStarted("another", NOTICED_MS))
        assert out == [do.EndUtterance("another", keep=False)]


class TestTwoTurns:
    def test_a_second_utterance_may_come_while_the_first_turn_is_stored(self) -> None:
        call = listening()
        call.say("two bedroom flat")
        first = only(call.wait(0.3), do.StoreTurn)
        call.say("in lisbon")
        assert not of(call.wait(1.0), do.StoreTurn)
        out = call.store(first)
        assert only(out, do.Finish).reply.id == first.reply
        assert only(out, do.StoreTurn).text == "in lisbon"

    def test_in_quick_succession_are_answered_one_after_the_other(self) -> None:
        call = listening()
        first = call.ask_aloud("two bedroom flat")
        call.write(first, "In which town?", end=False)
        call.say("in lisbon")
        finished = only(call.effects, do.Finish).reply
        assert (finished.id, finished.status) == (first, "interrupted")
        second = only(call.wait(1.0), do.StoreTurn)
        assert of(call.store(second, 5), do.ReplyDelivered)
        assert of(call.effects, do.Think)[-1].text == "in lisbon"

    def test_many_that_wait_keep_their_order(self) -> None:
        call = listening()
        request = call.type("typed first", "t-1")
        for text in ["said first", "said second"]:
            call.say(text)
            call.wait(1.0)
        call.tell(ev.Typed("t-2", "typed last"))
        texts = [request.text]
        while stores := of(call.store(request), do.StoreTurn):
            [request] = stores
            texts.append(request.text)
        assert texts == ["typed first", "said first", "said second", "typed last"]
