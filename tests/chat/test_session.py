"""The rules of a call, each with a fake clock and no I/O."""

from __future__ import annotations

import pytest

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from chat.session import BOT_MOVES, PERSON_MOVES, Bot, IllegalMove, Person
from dialogue.engine import Card, Cards, Item

from .driven import ORIGINAL, Call, of, only, sound, stored


class TestOpening:
    def test_hello_asks_for_the_conversation_and_ready_answers(self) -> None:
        call = Call()
        hello = ev.Hello(audio=call.format)
        assert only(call.tell(hello), do.Open).hello is hello
        out = call.tell(ev.Opened("c-1", 7, {"name": "Bot"}, "en"))
        ready = only(out, msg.Ready)
        assert (ready.conversation, ready.rev) == ("c-1", 7)
        assert ready.audio == {"out": call.format}
        assert only(out, msg.State) == msg.State("silent", "silent")

    def test_a_second_hello_is_an_error_and_changes_nothing(self) -> None:
        call = Call()
        call.open()
        out = call.tell(ev.Hello())
        assert only(out, msg.Error).code == "bad_message"
        assert not of(out, do.Open)

    def test_a_refusal_is_told_and_closes(self) -> None:
        call = Call()
        call.tell(ev.Hello(conversation="x"), ev.Typed("t", "early"))
        out = call.tell(ev.Refused("unknown_conversation", "no", 4403))
        assert only(out, msg.Error).code == "unknown_conversation"
        assert only(out, do.Close).code == 4403
        assert not call.tell(ev.Typed("t2", "late"))

    def test_text_typed_before_hello_is_an_error(self) -> None:
        call = Call()
        assert only(call.tell(ev.Typed("t-1", "too early")), msg.Error).id == "t-1"

    def test_text_typed_before_ready_is_taken_after_it(self) -> None:
        call = Call()
        assert not of(call.tell(ev.Hello(), ev.Typed("t-1", "early")), do.StoreTurn)
        out = call.tell(ev.Opened("c-1", 0, {}, "en", (), "Hello there."))
        assert only(out, do.StoreTurn).text == "early"
        assert not of(out, do.Greet)


class TestGreeting:
    def test_a_new_conversation_is_greeted_in_text_and_speech(self) -> None:
        call = Call()
        greet = only(call.open("Hello there."), do.Greet)
        out = call.tell(ev.ReplyBegan(greet.reply, "espeak:en"))
        assert only(out, msg.ReplyStart).kind == "greeting"
        assert only(out, msg.Delta).text == "Hello there."
        assert only(out, do.Synthesize).text == "Hello there."
        assert not of(out, do.Share)

    def test_typing_cuts_the_greeting(self) -> None:
        call = Call()
        greet = only(call.open("Hello there."), do.Greet)
        out = call.tell(ev.ReplyBegan(greet.reply, "espeak:en"))
        call.speak(only(out, do.Synthesize), 200, 200, 200)
        out = call.tell(ev.Typed("t-1", "Hi"))
        assert only(out, do.Finish).reply.status == "interrupted"
        assert [type(e) for e in out if isinstance(e, do.Finish | do.StoreTurn)] == [
            do.Finish,
            do.StoreTurn,
        ]


class TestTypedTurn:
    def test_is_acknowledged_only_when_it_is_stored(self) -> None:
        call = Call()
        call.open()
        out = call.tell(ev.Typed("t-1", "Hello?"))
        assert call.session.person is Person.ENDPOINTING
        assert not of(out, msg.Ack)
        request = only(out, do.StoreTurn)
        out = call.store(request)
        assert only(out, msg.Ack) == msg.Ack("t-1", request.turn, request.reply, 2)
        assert only(out, do.Think).text == "Hello?"
        assert call.session.bot is Bot.THINKING

    def test_that_could_not_be_stored_is_refused_and_may_come_again(self) -> None:
        call = Call()
        call.open()
        request = call.type("Hello?")
        out = call.tell(ev.TurnNotStored(request.turn, "no room"))
        error = only(out, msg.Error)
        assert (error.code, error.id, error.retry) == ("not_stored", "t-1", 2.0)
        assert call.type("Hello?").client_id == "t-1"

    def test_sent_again_is_acknowledged_again_but_not_answered_again(self) -> None:
        call = Call()
        call.open()
        request = call.type("Hello?")
        out = call.tell(ev.TurnStored(request.turn, "old-turn", "old-reply", 9, duplicate=True))
        assert only(out, msg.Ack).turn == "old-turn"
        assert not of(out, do.Think)
        assert call.session.bot is Bot.SILENT

    def test_twice_while_it_is_being_stored_is_stored_once(self) -> None:
        call = Call()
        call.open()
        call.type("Hello?")
        assert not call.tell(ev.Typed("t-1", "Hello?"))

    @pytest.mark.parametrize("text", ["", "   \n\t", "\0", " \0 "])
    def test_without_text_is_an_error(self, text: str) -> None:
        call = Call()
        call.open()
        error = only(call.tell(ev.Typed("t-1", text)), msg.Error)
        assert (error.code, error.id) == ("empty_text", "t-1")

    def test_that_is_too_long_is_an_error(self) -> None:
        call = Call()
        call.open()
        assert only(call.tell(ev.Typed("t-1", "x" * 8_001)), msg.Error).code == "too_long"
        assert call.type("x" * 8_000)

    def test_loses_the_nul_that_postgresql_cannot_keep(self) -> None:
        call = Call()
        call.open()
        assert call.type("a\0b").text == "ab"

    def test_beyond_what_may_wait_is_busy(self) -> None:
        call = Call()
        call.open()
        call.type("first", "t-0")
        for n in range(16):
            assert not of(call.tell(ev.Typed(f"w-{n}", "more")), msg.Error)
        error = only(call.tell(ev.Typed("one-too-many", "more")), msg.Error)
        assert (error.code, error.id) == ("busy", "one-too-many")
        assert error.retry

    def test_cuts_the_reply_that_is_alive(self) -> None:
        call = Call()
        call.open()
        first = call.ask("One?", "t-1")
        call.write(first, "A long answer. ", end=False)
        out = call.tell(ev.Typed("t-2", "Two?"))
        assert only(out, do.StopThinking).reply == first
        finished = only(out, do.Finish).reply
        assert (finished.id, finished.status, finished.text) == (
            first,
            "interrupted",
            "A long answer. ",
        )
        assert only(out, do.StoreTurn).text == "Two?"

    def test_many_at_once_are_all_stored_and_the_last_one_is_answered(self) -> None:
        call = Call()
        call.open()
        request = call.type("n 0", "t-0")
        call.tell(*(ev.Typed(f"t-{n}", f"n {n}") for n in range(1, 10)))
        texts, thoughts, rev = [request.text], [], 0
        while True:
            rev += 2
            out = call.store(request, rev)
            thoughts += of(out, do.Think)
            for finish in of(out, do.Finish):
                rev += 1
                out += call.tell(ev.ReplyStored(finish.reply.id, stored(finish.reply.id, rev)))
            stores = of(out, do.StoreTurn)
            if not stores:
                break
            [request] = stores
            texts.append(request.text)
        assert texts == [f"n {n}" for n in range(10)]
        assert [thought.text for thought in thoughts] == ["n 9"]


class TestReply:
    def test_streams_its_text_with_offsets(self) -> None:
        call = Call(spoken=False)
        call.open()
        reply = call.ask()
        out = call.write(reply, "Hello ", "", "world.")
        assert [(d.offset, d.text) for d in of(out, msg.Delta)] == [(0, "Hello "), (6, "world.")]
        assert only(out, msg.TextEnd).text == "Hello world."
        finished = only(out, do.Finish).reply
        assert (finished.status, finished.kind, finished.heard_ms) == ("done", "generic", None)
        end = only(call.tell(ev.ReplyStored(reply, stored(reply, 3))), msg.ReplyEnd)
        assert (end.status, end.rev, end.heard) == ("done", 3, None)

    def test_is_shared_with_followers_but_for_sound(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        out = call.write(reply, "Hi.", end=False)
        shared = [effect.message for effect in of(out, do.Share)]
        assert [type(message) for message in shared] == [msg.ReplyStart, msg.Delta]
        assert isinstance(shared[0], msg.ReplyStart)
        assert shared[0].voice is None

    def test_with_cards_is_of_kind_property(self) -> None:
        call = Call(spoken=False)
        call.open()
        reply = call.ask()
        out = call.write(reply, Cards([Card("Flat")]), "One flat.")
        assert only(out, msg.ReplyStart).kind == "property"
        assert only(out, msg.CardsShown).cards == ({"title": "Flat"},)
        finished = only(out, do.Finish).reply
        assert (finished.kind, finished.text, finished.cards) == (
            "property",
            "One flat.",
            ({"title": "Flat"},),
        )

    def test_with_items_is_of_kind_realtime_and_each_item_is_a_sentence(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        out = call.write(reply, Item("It is noon. In Tokyo."), Item("It is one."))
        assert only(out, msg.ReplyStart).kind == "realtime"
        assert only(out, do.Synthesize).text == "It is noon. In Tokyo."
        out = call.speak(only(out, do.Synthesize), 100)
        assert only(out, do.Synthesize).text == "It is one."
        assert [k.text for k in of(call.effects, msg.SentenceKnown)] == [
            "It is noon. In Tokyo.",
            "\nIt is one.",
        ]

    def test_that_fails_keeps_what_was_said_and_is_marked(self) -> None:
        call = Call(spoken=False)
        call.open()
        reply = call.ask()
        call.write(reply, "So far", end=False)
        out = call.tell(ev.ThoughtEnded(reply, "dialogue_timeout", "too long"))
        assert only(out, msg.Error).code == "dialogue_timeout"
        finished = only(out, do.Finish).reply
        assert (finished.status, finished.text, finished.error) == (
            "failed",
            "So far",
            "dialogue_timeout",
        )

    def test_that_is_too_long_is_cut_where_the_limit_is(self) -> None:
        call = Call(spoken=False)
        call.open()
        reply = call.ask()
        call.write(reply, "x" * 19_999, end=False)
        out = call.write(reply, "yz", end=False)
        assert only(out, msg.Error).code == "reply_too_long"
        assert only(out, do.StopThinking).reply == reply
        finished = only(out, do.Finish).reply
        assert finished.text == "x" * 19_999 + "y"
        assert not call.write(reply, "more")

    def test_what_arrives_for_a_reply_that_has_ended_is_dropped(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "Something. ", "Two.", end=False), do.Synthesize)
        call.tell(ev.Interrupt())
        assert not call.tell(
            ev.SoundArrived(reply, 0, sound(100)),
            ev.SentenceSynthesised(reply, 0),
            ev.PieceArrived(reply, Item("late")),
            ev.ThoughtEnded(reply),
            ev.SpeechFailed(reply, request.sentence, "late"),
            ev.Played(reply, 100),
            ev.TakenOver(reply),
        )


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


class TestInterrupt:
    def test_while_the_turn_is_being_stored_ends_the_reply_before_it_begins(self) -> None:
        call = Call()
        call.open()
        request = call.type("One?")
        call.tell(ev.Interrupt())
        out = call.store(request)
        assert only(out, msg.Ack)
        assert not of(out, do.Think)
        assert only(out, do.Finish).reply.status == "interrupted"

    def test_goes_for_all_that_was_typed_before_it(self) -> None:
        call = Call()
        call.open()
        first = call.type("One?", "t-1")
        call.tell(ev.Typed("t-2", "Two?"), ev.Interrupt(), ev.Typed("t-3", "Three?"))
        second = only(call.store(first, 2), do.StoreTurn)
        third = only(call.store(second, 5), do.StoreTurn)
        assert not of(call.effects, do.Think)
        assert only(call.store(third, 8), do.Think).text == "Three?"

    def test_with_nothing_to_stop_here_is_passed_on_to_other_tabs(self) -> None:
        call = Call()
        call.open()
        assert only(call.tell(ev.Interrupt()), do.ShareInterrupt)

    def test_from_another_tab_ends_the_reply_here(self) -> None:
        call = Call()
        call.open()
        call.ask()
        out = call.tell(ev.Interrupted())
        assert only(out, do.Finish).reply.status == "interrupted"
        assert not of(out, do.ShareInterrupt)
        assert not call.tell(ev.Interrupted())


class TestOriginalClient:
    def test_each_question_says_for_itself_whether_it_is_spoken(self) -> None:
        call = Call(ORIGINAL)
        call.open()
        first = call.ask("One?", None)
        call.tell(ev.Typed(None, "Two?", spoken=False), ev.Typed(None, "Three?", spoken=True))
        for spoken in (False, True):
            request = only(call.write(first, "An answer."), do.StoreTurn)
            think = only(call.store(request), do.Think)
            assert think.spoken is spoken
            call.tell(ev.ReplyBegan(request.reply, None))
            first = request.reply

    def test_a_question_waits_while_the_answer_is_written(self) -> None:
        call = Call(ORIGINAL)
        call.open()
        first = call.ask("One?", None)
        assert not of(call.tell(ev.Typed(None, "Two?")), do.StoreTurn)
        out = call.write(first, "An answer.")
        assert only(out, do.StoreTurn).text == "Two?"

    def test_each_clip_leaves_when_the_one_before_has_ended(self) -> None:
        call = Call(ORIGINAL)
        call.open()
        reply = call.ask("One?", None)
        first = only(call.write(reply, "One here. Two here."), do.Synthesize)
        second = only(call.speak(first, 1_000), do.Synthesize)
        out = call.speak(second, 800)
        assert not of(out, do.Play)
        assert not of(call.wait(0.99), do.Play)
        assert [p.sound.ms for p in of(call.wait(0.02), do.Play)] == [800, 0]

    def test_a_clip_that_plays_is_not_spoken_over(self) -> None:
        call = Call(ORIGINAL)
        call.open()
        reply = call.ask("One?", None)
        request = only(call.write(reply, "One here."), do.Synthesize)
        call.speak(request, 1_000)
        call.wait(0.4)
        second = call.ask("Two?", None, rev=5)
        request = only(call.write(second, "Two here."), do.Synthesize)
        assert not of(call.speak(request, 500), do.Play)
        assert not of(call.wait(0.59), do.Play)
        assert of(call.wait(0.02), do.Play)


class TestGoing:
    def test_the_text_of_a_reply_is_finished_without_the_client(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        request = only(call.write(reply, "One here. Two", end=False), do.Synthesize)
        call.tell(ev.SoundArrived(reply, request.sentence, sound(200)))
        out = call.tell(ev.Gone())
        assert only(out, do.StopSpeaking)
        assert not call.session.over
        out = call.write(reply, " here.")
        assert not of(out, do.Send)
        assert not of(out, do.Play)
        finished = only(out, do.Finish).reply
        assert (finished.status, finished.text) == ("interrupted", "One here. Two here.")
        assert finished.heard_ms == 0
        call.tell(ev.ReplyStored(reply, stored(reply, 3)))
        assert call.session.over

    def test_a_turn_that_was_being_stored_is_answered_in_text(self) -> None:
        # It could not be acknowledged; who comes back finds it answered.
        call = Call()
        call.open()
        request = call.type("One?")
        call.tell(ev.Gone())
        assert not call.session.over
        out = call.store(request)
        assert not of(out, do.Send)
        assert not only(out, do.Think).spoken

    def test_turns_that_waited_are_stored(self) -> None:
        call = Call()
        call.open()
        first = call.type("One?", "t-1")
        call.tell(ev.Typed("t-2", "Two?"), ev.Gone())
        assert only(call.store(first), do.StoreTurn).text == "Two?"

    def test_before_anything_was_opened_leaves_nothing_to_do(self) -> None:
        call = Call()
        call.tell(ev.Hello(), ev.Typed("t", "x"), ev.Gone())
        assert call.session.over

    def test_nothing_that_the_client_sent_before_counts_afterwards(self) -> None:
        call = Call()
        call.open()
        call.tell(ev.Gone())
        assert not call.tell(ev.Typed("t", "x"), ev.Ping())


class TestManners:
    def test_silence_closes_an_idle_call(self) -> None:
        call = Call()
        call.open()
        call.wait(50)
        call.tell(ev.Ping("p"))
        assert not of(call.wait(59.9), do.Close)
        assert only(call.wait(0.2), do.Close).code == 4408

    def test_a_ping_is_answered(self) -> None:
        call = Call()
        call.open()
        assert only(call.tell(ev.Ping("p")), msg.Pong).id == "p"

    def test_ten_bad_messages_within_a_minute_close(self) -> None:
        call = Call()
        call.open()
        for _ in range(9):
            assert not of(call.tell(ev.BadMessage("bad_message", "?")), do.Close)
        assert only(call.tell(ev.BadMessage("bad_message", "?")), do.Close).code == 4400

    def test_ten_bad_messages_in_a_long_time_do_not(self) -> None:
        call = Call()
        call.open()
        for _ in range(20):
            call.wait(7)
            assert not of(call.tell(ev.BadMessage("bad_message", "?")), do.Close)

    def test_a_frame_that_is_too_big_closes_at_once(self) -> None:
        call = Call()
        call.open()
        assert only(call.tell(ev.BadMessage("too_big", "?")), do.Close).code == 4413

    def test_a_fault_beside_the_turn_is_told(self) -> None:
        call = Call()
        call.open()
        error = only(call.tell(ev.Fault("audio_not_stored", "no room", "r")), msg.Error)
        assert (error.code, error.id) == ("audio_not_stored", "r")

    def test_ratings_by_a_machine_are_too_many(self) -> None:
        call = Call()
        call.open()
        for n in range(30):
            assert of(call.tell(ev.Rate(f"t-{n}", 1)), do.StoreRating)
        assert only(call.tell(ev.Rate("t", 1)), msg.Error).code == "busy"
        call.wait(10)
        assert of(call.tell(ev.Rate("t", 1)), do.StoreRating)

    def test_a_rating_is_passed_on(self) -> None:
        call = Call()
        call.open()
        assert only(call.tell(ev.Rate("turn", -1)), do.StoreRating) == do.StoreRating("turn", -1)


class TestFollowing:
    def end(self, rev: int) -> msg.ReplyEnd:
        return msg.ReplyEnd("r", "done", "text", None, None, rev)

    def test_what_happens_elsewhere_is_told(self) -> None:
        call = Call()
        call.open(rev=4)
        delta = msg.Delta("r", 0, "hi")
        assert only(call.tell(ev.Followed(delta)), msg.Delta) == delta
        assert only(call.tell(ev.Followed(self.end(5))), msg.ReplyEnd).rev == 5
        assert call.session.rev == 5

    def test_what_is_known_is_not_told_again(self) -> None:
        call = Call()
        call.open(rev=4)
        assert not call.tell(ev.Followed(self.end(3)))

    def test_a_gap_is_filled_from_the_database(self) -> None:
        call = Call()
        call.open(rev=4)
        out = call.tell(ev.Followed(self.end(7)))
        assert only(out, do.CatchUp).rev == 4
        assert not of(out, msg.ReplyEnd)
        call.tell(ev.CaughtUp(7, ()))
        assert call.session.rev == 7

    def test_own_turns_reveal_what_others_changed(self) -> None:
        call = Call()
        call.open(rev=4)
        out = call.store(call.type("One?"), rev=9)
        assert only(out, do.CatchUp).rev == 4

    def test_a_reply_that_was_taken_over_is_ended(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        assert only(call.tell(ev.TakenOver(reply)), do.Finish).reply.status == "interrupted"


class TestLateAndTwice:
    def test_a_turn_that_is_confirmed_twice_is_answered_once(self) -> None:
        call = Call()
        call.open()
        request = call.type("One?")
        call.store(request)
        assert not call.store(request)
        assert not call.tell(ev.TurnNotStored(request.turn, "late"))

    def test_an_end_that_is_confirmed_twice_is_told_once(self) -> None:
        call = Call(spoken=False)
        call.open()
        reply = call.ask()
        call.write(reply, "Hi.")
        assert call.tell(ev.ReplyStored(reply, stored(reply, 3)))
        assert not call.tell(ev.ReplyStored(reply, stored(reply, 3)))

    def test_an_end_that_could_not_be_kept_is_told_with_revision_0(self) -> None:
        call = Call(spoken=False)
        call.open()
        reply = call.ask()
        call.write(reply, "Hi.")
        out = call.tell(ev.ReplyStored(reply, None))
        assert only(out, msg.ReplyEnd).rev == 0
        assert not of(out, do.Share)

    def test_the_kept_sound_is_told_after_the_end(self) -> None:
        call = Call(spoken=False)
        call.open()
        reply = call.ask()
        call.write(reply, "Hi.")
        out = call.tell(ev.ReplyStored(reply, stored(reply, 3)))
        sent = [type(effect.message) for effect in of(out, do.Send)]
        assert sent.index(msg.ReplyEnd) < sent.index(msg.TurnChanged)

    def test_a_rating_before_there_is_a_conversation_is_an_error(self) -> None:
        call = Call()
        assert only(call.tell(ev.Rate("t", 1)), msg.Error).code == "unknown_turn"

    def test_the_text_is_noted_as_soon_as_it_is_complete(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        assert only(call.write(reply, "One here."), do.NoteText).text == "One here."

    def test_a_call_that_is_refused_in_mid_reply_ends_the_reply(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        out = call.tell(ev.Refused("not_admitted", "logged out", 4401))
        assert only(out, do.Finish).reply.id == reply
        assert only(out, do.Close).code == 4401

    def test_a_call_without_client_is_not_closed_again(self) -> None:
        call = Call()
        call.open()
        call.tell(ev.Gone())
        assert not call.tell(ev.Refused("not_admitted", "logged out", 4401))

    def test_an_engine_that_begins_after_the_client_has_gone_is_not_spoken(self) -> None:
        call = Call()
        call.open()
        request = call.type("One?")
        call.store(request)
        call.tell(ev.Gone(), ev.ReplyBegan(request.reply, "espeak:en"))
        assert not of(call.write(request.reply, "One here. Two here."), do.Synthesize)

    def test_an_item_that_is_too_long_is_cut(self) -> None:
        call = Call(spoken=False)
        call.open()
        reply = call.ask()
        out = call.write(reply, Item("x" * 20_001), end=False)
        assert only(out, do.Finish).reply.items == ("x" * 20_000,)
        assert only(out, msg.Error).code == "reply_too_long"

    def test_what_was_missed_is_told_in_order(self) -> None:
        call = Call()
        call.open(rev=1)
        out = call.tell(ev.CaughtUp(3, (stored("a", 2), stored("b", 3))))
        assert [(m.turn.id, m.rev) for m in of(out, msg.TurnChanged)] == [("a", 2), ("b", 3)]

    def test_the_text_so_far_is_that_of_the_reply_that_is_alive(self) -> None:
        call = Call()
        call.open()
        reply = call.ask()
        call.write(reply, "So far", end=False)
        assert call.session.text_of(reply) == "So far"
        assert call.session.text_of("another") == ""


class TestTables:
    @pytest.mark.parametrize("state", list(Bot))
    @pytest.mark.parametrize("signal", ["think", "speak", "end"])
    def test_a_move_of_the_bot_that_is_not_in_the_table_changes_nothing(
        self, state: Bot, signal: str
    ) -> None:
        session = Call().session
        session.bot = state
        if (state, signal) in BOT_MOVES:
            session._move_bot(signal)
            assert session.bot is BOT_MOVES[state, signal]
        else:
            with pytest.raises(IllegalMove):
                session._move_bot(signal)
            assert session.bot is state

    @pytest.mark.parametrize("state", list(Person))
    @pytest.mark.parametrize("signal", ["complete", "taken", "refused"])
    def test_a_move_of_the_person_that_is_not_in_the_table_changes_nothing(
        self, state: Person, signal: str
    ) -> None:
        session = Call().session
        session.person = state
        if (state, signal) in PERSON_MOVES:
            session._move_person(signal)
            assert session.person is PERSON_MOVES[state, signal]
        else:
            with pytest.raises(IllegalMove):
                session._move_person(signal)
            assert session.person is state
