"""The person speaks while the bot speaks: silence at once, and then a decision."""

from __future__ import annotations

import pytest

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from chat.bot import Bot

from .driven import RATE, Call, of, only, sound

TEXT = "One two three four. Five six seven eight."


def speaking(heard_s: float = 0.5) -> tuple[Call, str]:
    """A call in which the bot has said so much of two sentences of a second each."""
    call = Call(hears=True)
    call.open()
    reply = call.ask()
    call.answer(reply, TEXT)
    call.wait(heard_s)
    assert call.session.bot is Bot.SPEAKING
    return call, reply


def samples(seconds: float) -> int:
    return round(seconds * RATE)


class TestVoice:
    def test_silences_the_bot_at_once(self) -> None:
        call, reply = speaking()
        out = call.tell(ev.SpeechStarted("u", 96))
        assert out[0] == do.Send(msg.Clear(1))
        assert only(out, do.CutRecording).reply == reply
        assert only(out, do.CutRecording).heard_ms == pytest.approx(500)
        assert only(out, msg.State) == msg.State("hearing", "held")
        assert not of(call.wait(0.59), do.Play)
        assert not of(call.effects, do.Finish)

    def test_takes_the_strict_ear_away_until_the_bot_speaks_again(self) -> None:
        call, _ = speaking()
        assert only(call.effects, do.ListenStrictly).on
        assert not only(call.tell(ev.SpeechStarted("u", 96)), do.ListenStrictly).on
        request = call.pause("u", 100)
        assert only(call.understand(request, ""), do.ListenStrictly).on

    def test_that_nobody_listens_for_needs_no_strict_ear(self) -> None:
        call = Call(hears=False)
        call.open()
        call.answer(call.ask(), TEXT)
        call.wait(10.0)
        assert not of(call.effects, do.ListenStrictly)


class TestInterruption:
    def check(self, call: Call, reply: str, out: list[do.Effect]) -> None:
        finished = only(out, do.Finish).reply
        assert (finished.id, finished.status, finished.heard_ms) == (reply, "interrupted", 500)
        assert finished.heard_text == "One two"
        assert finished.text == TEXT
        # All was cleared and cut when the voice began.
        assert not of(out, msg.Clear)
        assert len(of(call.effects, do.CutRecording)) == 1
        assert not of(call.wait(10.0), do.Play)

    def test_by_a_word(self) -> None:
        call, reply = speaking()
        utterance = call.start()
        call.wait(0.2)
        self.check(call, reply, call.tell(ev.PartialTranscript(utterance, "stop")))

    def test_by_a_voice_that_lasts_even_without_words(self) -> None:
        call, reply = speaking()
        call.start()
        assert not of(call.wait(0.59), do.Finish)
        self.check(call, reply, call.wait(0.02))

    def test_by_a_short_voice_whose_words_do_not_come(self) -> None:
        call, reply = speaking()
        utterance = call.start()
        call.wait(0.4)
        call.pause(utterance, 300)
        assert not of(call.wait(0.59), do.Finish)
        self.check(call, reply, call.wait(0.02))

    def test_by_the_words_after_a_short_voice(self) -> None:
        call, reply = speaking()
        utterance = call.start()
        call.wait(0.2)
        request = call.pause(utterance, 200)
        out = call.understand(request, "stop")
        self.check(call, reply, out)
        assert only(out, do.Think).draft

    def test_ends_the_engines_of_the_reply(self) -> None:
        call = Call(hears=True)
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "One two. Three four. ", end=False), do.Synthesize)
        call.tell(ev.SoundArrived(reply, request.sentence, sound(200)))
        out = call.tell(ev.PartialTranscript(call.start(), "stop"))
        assert only(out, do.StopThinking).reply == reply
        assert only(out, do.StopSpeaking).reply == reply

    def test_stays_one_though_no_words_are_found_in_it(self) -> None:
        call, reply = speaking()
        utterance = call.start()
        self.check(call, reply, call.wait(0.6))
        assert not of(call.understand(call.pause(utterance), ""), do.Play)
        assert of(call.wait(1.0), msg.Transcript) == [msg.Transcript(utterance, "", final=True)]

    def test_while_the_bot_still_thinks_needs_no_clear(self) -> None:
        call = Call(hears=True)
        call.open()
        reply = call.ask()
        utterance = call.start()
        call.answer(reply, TEXT)
        assert call.session.bot is Bot.THINKING
        assert not of(call.effects, do.Play)
        assert not of(call.effects, msg.Clear)
        finished = only(call.tell(ev.PartialTranscript(utterance, "wait")), do.Finish).reply
        assert (finished.status, finished.heard_ms) == ("interrupted", None)

    def test_of_a_clip_counts_what_was_heard_of_it(self) -> None:
        call = clips()
        call.wait(0.5)
        out = call.tell(ev.PartialTranscript(call.start(), "stop"))
        finished = only(out, do.Finish).reply
        assert (finished.heard_ms, finished.heard_text) == (500, "One two")

    def test_when_all_was_heard_leaves_the_reply_done(self) -> None:
        call, reply = speaking(1.99)
        call.tell(ev.Played(reply, 2_000))
        finished = only(call.effects, do.Finish).reply
        assert (finished.status, finished.heard_text) == ("done", TEXT)


class TestFalseAlarm:
    def goes_on(self, call: Call, reply: str, out: list[do.Effect]) -> None:
        """The same reply goes on from what was heard, sample by sample, to its end."""
        again = of(out, msg.Audio)
        assert again[0].position == samples(0.5)
        assert again[0].generation == 1
        assert not again[0].first
        again += of(call.wait(3.0), msg.Audio)
        position = samples(0.5)
        for audio in again:
            assert (audio.reply, audio.generation, audio.position) == (reply, 1, position)
            position += len(audio.audio) // 2
        assert position == samples(2.0)
        assert [audio.first for audio in again].count(True) == 1
        assert [audio.last for audio in again].count(True) == 2
        finished = only(call.effects, do.Finish).reply
        assert (finished.status, finished.heard_ms, finished.heard_text) == ("done", 2_000, TEXT)
        assert not of(call.effects, do.StoreTurn)[1:]

    def test_by_a_noise_without_words(self) -> None:
        call, reply = speaking()
        utterance = call.start()
        call.wait(0.2)
        out = call.understand(call.pause(utterance, 100), "")
        assert only(out, msg.State) == msg.State("endpointing", "speaking")
        self.goes_on(call, reply, out)

    def test_by_a_noise_whose_words_do_not_come(self) -> None:
        call, reply = speaking()
        utterance = call.start()
        call.wait(0.3)
        call.pause(utterance, 299)
        assert not of(call.wait(0.69), do.Play)
        self.goes_on(call, reply, call.wait(0.02))

    def test_by_a_recogniser_that_fails(self) -> None:
        call, reply = speaking()
        utterance = call.start()
        request = call.pause(utterance, 200)
        failed = ev.Transcribed(utterance, request.pause, "", "", "stt_failed", "broken")
        self.goes_on(call, reply, call.tell(failed))
        assert only(call.effects, msg.Error).code == "stt_failed"

    def test_by_an_echo_of_its_own_words(self) -> None:
        call, reply = speaking()
        utterance = call.start()
        call.tell(ev.PartialTranscript(utterance, "one two three"))
        assert not of(call.wait(0.99), do.Finish)
        self.goes_on(call, reply, call.wait(0.02))

    def test_by_an_echo_that_has_paused(self) -> None:
        call, reply = speaking()
        utterance = call.start()
        out = call.understand(call.pause(utterance, 400), "Two, three, four")
        self.goes_on(call, reply, out)
        assert of(call.effects, msg.Transcript)[-1] == msg.Transcript(utterance, "", final=True)

    def test_leaves_the_voice_that_goes_on_alone_until_it_has_words(self) -> None:
        call, _ = speaking()
        utterance = call.start()
        call.understand(call.pause(utterance, 100), "")
        call.wait(0.2)
        call.tell(ev.SpeechResumed(utterance))
        assert call.session.bot is Bot.SPEAKING
        out = call.tell(ev.PartialTranscript(utterance, "stop"))
        assert only(out, msg.Clear).generation == 2
        finished = only(out, do.Finish).reply
        assert (finished.status, finished.heard_ms) == ("interrupted", 700)

    def test_may_come_twice(self) -> None:
        call, _ = speaking()
        for generation, utterance in enumerate(["u-a", "u-b"], start=1):
            out = call.tell(ev.SpeechStarted(utterance, 96))
            assert only(out, msg.Clear).generation == generation
            again = of(call.understand(call.pause(utterance, 100), ""), msg.Audio)
            assert again[0].position == samples(0.5 + 0.5 * (generation - 1))
            assert again[0].generation == generation
            call.wait(0.5)

    def test_goes_on_with_the_sound_that_came_meanwhile(self) -> None:
        call = Call(hears=True)
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "One two three four."), do.Synthesize)
        call.tell(ev.SoundArrived(reply, request.sentence, sound(200)))
        call.wait(0.1)
        utterance = call.start()
        call.speak(request, 200)
        call.understand(call.pause(utterance, 100), "")
        out = call.effects
        positions = [audio.position for audio in of(out, msg.Audio) if audio.generation == 1]
        assert positions == [samples(0.1), samples(0.2), samples(0.4)]

    def test_tells_again_the_sentences_that_had_not_begun_to_be_heard(self) -> None:
        call, _ = speaking(0.9)
        assert [sentence.index for sentence in of(call.effects, msg.Sentence)] == [0, 1]
        utterance = call.start()
        call.understand(call.pause(utterance, 100), "")
        call.wait(0.3)
        again = of(call.effects, msg.Sentence)[2]
        assert (again.index, again.offset_ms) == (1, 1_000)

    def test_in_the_gap_between_two_sentences_loses_neither(self) -> None:
        call, _ = speaking(1.0)
        utterance = call.start()
        out = call.understand(call.pause(utterance, 100), "")
        assert only(out, msg.Sentence).index == 1
        first = of(out, msg.Audio)[0]
        assert (first.position, first.first) == (samples(1.0), True)

    def test_goes_on_from_what_the_client_reports(self) -> None:
        call, reply = speaking()
        call.tell(ev.Played(reply, 300))
        utterance = call.start()
        late = ev.Played(reply, 800)  # of what has been taken back
        call.tell(late)
        out = call.understand(call.pause(utterance, 100), "")
        assert of(out, msg.Audio)[0].position == samples(0.3)

    def test_starts_the_clip_again_that_was_playing(self) -> None:
        call = clips()
        call.wait(1.5)
        utterance = call.start()
        assert only(call.effects, do.CutRecording).heard_ms == 1_000
        out = call.understand(call.pause(utterance, 100), "")
        again = of(out, msg.Audio)[0]
        assert (again.position, again.first, again.generation) == (samples(1.0), True, 1)
        assert only(out, msg.Sentence).offset_ms == 1_000
        finished = only(call.wait(3.0), do.Finish).reply
        assert (finished.status, finished.heard_ms) == ("done", 2_000)

    def test_before_the_first_sound_lets_it_leave(self) -> None:
        call = Call(hears=True)
        call.open()
        reply = call.ask()
        utterance = call.start()
        call.answer(reply, TEXT)
        out = call.understand(call.pause(utterance, 100), "")
        first = of(out, msg.Audio)[0]
        assert (first.position, first.generation) == (0, 0)


class TestHeld:
    def test_the_text_goes_on_to_be_written_and_synthesised(self) -> None:
        call = Call(hears=True)
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "Something long. Two", end=False), do.Synthesize)
        call.speak(request, *[100] * 10)
        call.start()
        out = call.write(reply, " here.")
        assert only(out, msg.TextEnd)
        assert only(out, do.Synthesize).sentence == 1
        assert not of(out, do.Finish)

    def test_a_typed_turn_cuts_it(self) -> None:
        call, _ = speaking()
        call.start()
        out = call.tell(ev.Typed("t-2", "No, Porto."))
        assert only(out, do.Finish).reply.heard_ms == 500
        assert only(out, do.StoreTurn).text == "No, Porto."

    def test_the_client_may_leave(self) -> None:
        call, _ = speaking()
        call.start()
        out = call.tell(ev.Gone())
        finished = only(out, do.Finish).reply
        assert (finished.status, finished.heard_ms) == ("interrupted", 500)

    def test_a_reply_that_was_given_up_stays_as_heard(self) -> None:
        call = Call(hears=True)
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "Something long. Two", end=False), do.Synthesize)
        call.speak(request, *[200] * 20)
        call.tell(ev.Played(reply, 100))
        for _ in range(4):
            call.wait(10.0)
            call.tell(ev.Ping())
        assert call.session.bot is Bot.SPEAKING
        utterance = call.start()
        call.understand(call.pause(utterance, 100), "")
        finished = only(call.write(reply, " here."), do.Finish).reply
        assert (finished.status, finished.heard_ms) == ("interrupted", 100)


def clips() -> Call:
    """A call in which two sentences of a second each are sent, each as one file."""
    call = Call(hears=True)
    call.open()
    reply = call.ask()
    clip = ev.Sound(b"mp3", 1_000.0, RATE, b"\1\0" * RATE, is_clip=True)
    call.write(reply, TEXT)
    for sentence in range(2):
        call.tell(ev.SoundArrived(reply, sentence, clip), ev.SentenceSynthesised(reply, sentence))
    return call
