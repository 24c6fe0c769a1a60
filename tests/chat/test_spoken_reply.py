"""The sound of a reply: in which order and when it leaves, and what was heard."""

from __future__ import annotations

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from chat.bot import Bot
from dialogue.engine import Item

from .driven import Call, of, only, sound


class TestSpeech:
    def test_the_first_sentence_is_synthesised_while_the_rest_is_written(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        assert not of(call.write(reply, "First sentence.", end=False), do.Synthesize)
        out = call.write(reply, " Sec", end=False)
        assert only(out, do.Synthesize).text == "First sentence."

    def test_the_first_sound_leaves_at_once_with_its_sentence(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "First sentence. Second sentence."), do.Synthesize)
        out = call.tell(ev.SoundArrived(reply, request.sentence, sound(100)))
        sentence = only(out, msg.Sentence)
        assert (sentence.index, sentence.text, sentence.start, sentence.offset_ms) == (
            0,
            "First sentence. ",
            0,
            0,
        )
        audio = only(out, msg.Audio)
        assert (audio.position, audio.first, audio.last) == (0, True, False)
        assert call.session.bot is Bot.SPEAKING

    def test_sentences_are_synthesised_one_after_the_other(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        out = call.write(reply, "One here. Two here. Three here.")
        request = only(out, do.Synthesize)
        out = call.speak(request, 100)
        assert only(out, do.Synthesize).sentence == 1
        assert [a.last for a in of(out, msg.Audio)] == [False, True]

    def test_sound_leaves_no_further_ahead_than_the_lead(self) -> None:
        call = Call(lead_ms=400)
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "One here."), do.Synthesize)
        call.speak(request, *[100] * 20)
        assert len(of(call.effects, do.Play)) == 4
        call.wait(0.5)
        assert len(of(call.effects, do.Play)) == 9
        call.wait(1.0)
        positions = [audio.position for audio in of(call.effects, msg.Audio)]
        assert positions == sorted(positions)
        assert positions[1] == 2_400

    def test_synthesis_waits_while_much_sound_waits_to_leave(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        out = call.write(reply, "One here. Two here. Three here.")
        out = call.speak(only(out, do.Synthesize), *[200] * 30)
        assert not of(out, do.Synthesize)
        assert only(call.wait(2.0), do.Synthesize).sentence == 1

    def test_the_reply_is_done_when_its_sound_has_been_played_by_the_clock(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "One here."), do.Synthesize)
        call.speak(request, 200, 200)
        assert not of(call.wait(0.39), do.Finish)
        finished = only(call.wait(0.02), do.Finish).reply
        assert (finished.status, finished.heard_ms, finished.heard_text) == (
            "done",
            400,
            "One here.",
        )
        assert finished.engines == {"tts": "espeak:en"}
        assert set(finished.timings) == {
            "stored",
            "first_text",
            "first_sentence",
            "first_sound",
            "first_audio",
            "text_end",
            "ended",
        }

    def test_a_reporting_client_is_believed_rather_than_the_clock(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "One here."), do.Synthesize)
        call.speak(request, 200, 200)
        call.tell(ev.Played(reply, 0))
        assert not of(call.wait(1.0), do.Finish)
        out = call.tell(ev.Played(reply, 390, done=True))
        assert only(out, do.Finish).reply.heard_ms == 400

    def test_sound_waits_for_a_client_that_has_fallen_far_behind(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "One here."), do.Synthesize)
        call.speak(request, *[200] * 40)
        call.tell(ev.Played(reply, 0))
        call.wait(10.0)
        sent = sum(effect.sound.ms for effect in of(call.effects, do.Play))
        assert sent == 2_000
        assert of(call.tell(ev.Played(reply, 1_500)), do.Play)

    def test_a_client_that_plays_nothing_any_more_is_given_up(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        out = call.write(reply, "One here. Two here.")
        call.speak(only(out, do.Synthesize), *[200] * 40)
        call.tell(ev.Played(reply, 100))
        sent = len(of(call.effects, do.Play))
        out = call.wait(60)
        assert len(of(call.effects, do.Play)) - sent <= 10
        finished = only(out, do.Finish).reply
        assert (finished.status, finished.heard_ms) == ("interrupted", 100)

    def test_a_client_that_has_all_and_plays_none_of_it_is_given_up(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "One here."), do.Synthesize)
        call.speak(request, *[200] * 10)
        call.tell(ev.Played(reply, 0))
        assert not of(call.wait(29), do.Finish)
        assert only(call.wait(10), do.Finish).reply.heard_ms == 0

    def test_a_client_that_is_given_up_in_mid_sentence_still_gets_the_text(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "Something long. Two", end=False), do.Synthesize)
        for _ in range(20):
            call.tell(ev.SoundArrived(reply, request.sentence, sound(200)))
        call.tell(ev.Played(reply, 0))
        assert only(call.wait(40), do.StopSpeaking).reply == reply
        out = call.write(reply, " here.")
        assert only(out, msg.TextEnd).text == "Something long. Two here."
        assert only(out, do.Finish).reply.heard_ms == 0

    def test_an_interrupted_reply_is_cleared_and_its_heard_part_known(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        out = call.write(reply, "One two three four. Five six.", end=False)
        request = only(out, do.Synthesize)
        call.speak(request, *[100] * 10)
        call.wait(0.5)
        out = call.tell(ev.Interrupt())
        assert only(out, msg.Clear).generation == 1
        assert only(out, do.StopThinking).reply == reply
        assert not of(out, do.Play)
        finished = only(out, do.Finish).reply
        assert finished.status == "interrupted"
        assert finished.heard_ms == 500
        assert finished.heard_text == "One two"
        assert not of(call.wait(5.0), do.Play)

    def test_a_line_that_is_not_spoken_does_not_hide_what_was_heard_after_it(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        out = call.write(reply, Item("It is noon."), Item("***"), Item("It is one."))
        second = only(call.speak(only(out, do.Synthesize), 500), do.Synthesize)
        assert second.sentence == 2
        call.speak(second, 500)
        call.wait(0.82)
        finished = only(call.tell(ev.Interrupt()), do.Finish).reply
        assert finished.heard_text == "It is noon.\n***\nIt is"

    def test_of_a_long_sentence_only_the_share_that_was_heard_counts(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        call.answer(reply, "One two three four five six seven eight nine ten.", ms=5_000)
        call.wait(1.0)
        finished = only(call.tell(ev.Interrupt()), do.Finish).reply
        assert (finished.heard_ms, finished.heard_text) == (1_000, "One two")

    def test_the_next_reply_is_of_the_new_generation(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "One here."), do.Synthesize)
        call.speak(request, 500)
        call.tell(ev.Interrupt())
        second = call.ask("Again?", "t-2", rev=5)
        out = call.write(second, "Two here.")
        assert only(out, msg.ReplyStart).generation == 1

    def test_a_voice_that_fails_leaves_the_text_to_go_on(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "One here. Two here."), do.Synthesize)
        out = call.tell(ev.SpeechFailed(reply, request.sentence, "broken"))
        assert only(out, msg.Error).code == "speech_failed"
        finished = only(out, do.Finish).reply
        assert (finished.status, finished.error) == ("done", "speech_failed")

    def test_a_sentence_without_anything_to_say_is_passed_over(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        out = call.write(reply, "***")
        assert not of(out, do.Synthesize)
        assert only(out, do.Finish).reply.status == "done"

    def test_speech_can_be_turned_off_and_on(self) -> None:
        call = Call()
        call.open()
        call.tell(ev.Configure(audio=False))
        call.store(call.type("One?"))
        assert not of(call.effects, do.Think)[-1].spoken
        call.tell(ev.Interrupt(), ev.Configure(audio=True, voice="gtts:en", speed=1.5))
        call.store(call.type("Two?", "t-2"))
        think = of(call.effects, do.Think)[-1]
        assert (think.spoken, think.voice) == (True, "gtts:en")

    def test_a_client_that_cannot_hear_is_never_spoken_to(self) -> None:
        call = Call(spoken=False)
        call.open()
        call.tell(ev.Configure(audio=True))
        call.store(call.type("One?"))
        assert not of(call.effects, do.Think)[-1].spoken
