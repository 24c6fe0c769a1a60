"""What the bot answers: its text, its kinds, and how it ends."""

from __future__ import annotations

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from dialogue.engine import Card, Cards, Item

from .driven import Call, of, only, sound, stored


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
        assert shared[0].voice == "espeak:en"  # so that others know where it is heard

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
            ev.ReplyBegan(reply, "espeak:en"),
            ev.SoundArrived(reply, 0, sound(100)),
            ev.SentenceSynthesised(reply, 0),
            ev.PieceArrived(reply, Item("late")),
            ev.ThoughtEnded(reply),
            ev.SpeechFailed(reply, request.sentence, "late"),
            ev.Played(reply, 100),
            ev.TakenOver(reply),
        )
