"""The rules of a call, each with a fake clock and no I/O."""

from __future__ import annotations

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from dialogue.engine import Item

from .driven import Call, of, only, sound, stored


class TestOpening:
    def test_hello_asks_for_the_conversation_and_ready_answers(self) -> None:
        call = Call()
        hello = ev.Hello(audio=call.format)
        assert only(call.tell(hello), do.Open).hello is hello
        out = call.tell(ev.Opened("c-1", 7, {"name": "Bot"}, "en"))
        ready = only(out, msg.Ready)
        assert (ready.conversation, ready.rev) == ("c-1", 7)
        assert ready.audio == msg.AgreedAudio(out=call.format, voice=None)
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


class TestConfigure:
    def test_changes_what_is_given_and_leaves_the_rest(self) -> None:
        call = Call()
        call.open()
        call.tell(ev.Configure(audio=False, voice="gtts:en", speed=1.5))
        call.tell(ev.Configure())
        think = only(call.store(call.type("One?")), do.Think)
        assert (think.voice, think.spoken) == ("gtts:en", False)

    def test_may_allow_and_forbid_that_the_call_is_recorded(self) -> None:
        call = Call()
        call.open()
        for on in (True, False):
            assert call.tell(ev.Configure(record=on)) == [do.ChangeRecording(on)]

    def test_a_wish_about_recording_before_the_conversation_is_open_is_kept(self) -> None:
        call = Call()
        assert not call.tell(ev.Configure(record=True))
        assert only(call.open(), do.ChangeRecording) == do.ChangeRecording(on=True)


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
