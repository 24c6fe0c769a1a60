"""The laws of the one door to the database: what is stored when, and by whom."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from conversations import recorder
from conversations.models import AudioSegment, Call, Conversation, Turn

from .live_call import a_call, begin, done, recorded, unasked

pytestmark = pytest.mark.django_db(transaction=True)


class TestBeginning:
    def test_stores_turn_and_streaming_reply_with_their_revisions(self) -> None:
        call = a_call()
        begun = begin(call)
        conversation = Conversation.objects.get()
        assert (conversation.rev, begun.rev, conversation.turn_count) == (2, 2, 2)
        assert conversation.title == "Hello?"
        user, reply = conversation.turns.order_by("seq")
        assert (user.role, user.status, user.rev, user.seq) == ("user", "done", 1, 0)
        assert (reply.role, reply.status, reply.rev, reply.seq) == ("assistant", "streaming", 2, 1)
        assert reply.reply_to == user
        assert Call.objects.get().protocol == "voice-chat-1"

    def test_with_a_known_client_id_finds_the_first_one(self) -> None:
        call = a_call()
        first = begin(call, client_id="c-1")
        again = begin(replace(call, is_new=False), client_id="c-1")
        assert (again.turn, again.reply, again.duplicate) == (first.turn, first.reply, True)
        assert Turn.objects.count() == 2

    def test_ends_the_reply_that_was_still_streaming(self) -> None:
        call = a_call()
        first = begin(call)
        second = begin(replace(call, is_new=False))
        assert second.taken_over == first.reply
        assert Turn.objects.get(pk=first.reply).status == "interrupted"
        assert Turn.objects.filter(status="streaming").count() == 1

    def test_of_a_deleted_conversation_is_refused(self) -> None:
        call = a_call()
        begin(call)
        Conversation.objects.all().delete()
        with pytest.raises(recorder.NotYours):
            begin(replace(call, is_new=False))
        assert not Conversation.objects.exists()

    def test_tells_what_was_said_before_as_it_was_heard(self) -> None:
        call = a_call()
        first = begin(call, "One?")
        cut = done(
            first.reply, "A long answer.", status="interrupted", heard_text="A long", heard_ms=500
        )
        recorder.write_conversation_data_into_database(call, cut)
        second = begin(replace(call, is_new=False), "Two?")
        assert second.history == (("user", "One?"), ("assistant", "A long"))

    def test_stores_the_greeting_that_was_said_before(self) -> None:
        greeting = unasked("Welcome.")
        begun = begin(a_call(), said_before=(greeting,))
        first = Turn.objects.get(seq=0)
        assert (first.kind, first.text, str(first.pk)) == (
            "greeting",
            "Welcome.",
            greeting.reply.id,
        )
        assert begun.rev == 3
        assert begun.history == (("assistant", "Welcome."),)

    def test_stores_all_that_was_said_unasked_in_its_order(self, tmp_path: Path) -> None:
        call = a_call()
        begin(call)
        reminder, goodbye = unasked("Are you there?"), unasked("Goodbye.")
        sound = recorded(tmp_path, goodbye.reply.id, start_ms=9_000)
        goodbye = replace(goodbye, recordings=(sound,))
        begun = begin(replace(call, is_new=False), said_before=(reminder, goodbye))
        said = list(Turn.objects.order_by("seq"))[2:]
        assert [turn.text for turn in said] == ["Are you there?", "Goodbye.", "Hello?", ""]
        assert said[1].start_ms == 9_000
        assert [turn.rev for turn in said] == [4, 5, 6, 7]
        told = {turn.text: turn.audio for turn in begun.changed}
        assert [audio.start_ms for audio in told["Goodbye."]] == [9_000]

    def test_keeps_what_is_known_of_a_spoken_turn(self) -> None:
        begin(
            a_call(),
            start_ms=2_500,
            timings={"stt": 31.5},
            engines={"stt": "pocketsphinx"},
            data={"digits": "12"},
        )
        turn = Turn.objects.get(seq=0)
        assert turn.start_ms == 2_500
        assert turn.timings == {"stt": 31.5}
        assert turn.engines == {"stt": "pocketsphinx"}
        assert turn.data == {"digits": "12"}

    def test_a_turn_without_a_place_starts_now(self) -> None:
        call = a_call(started_at=timezone.now() - timedelta(seconds=5))
        begin(call)
        assert [round((turn.start_ms or 0) / 1000) for turn in Turn.objects.all()] == [5, 5]

    def test_tells_no_history_that_is_not_wanted(self) -> None:
        call = a_call()
        begin(call, "One?")
        assert begin(replace(call, is_new=False), want_history=False).history == ()

    def test_again_with_the_same_ids_finds_what_was_written(self) -> None:
        call = a_call()
        greeting = unasked()
        ids = {"turn_id": str(uuid.uuid4()), "reply_id": str(uuid.uuid4())}
        first = begin(call, said_before=(greeting,), **ids)
        again = begin(call, said_before=(greeting,), **ids)
        assert (again.turn, again.reply, again.rev) == (first.turn, first.reply, first.rev)
        assert again.history == first.history == (("assistant", "Welcome."),)
        assert [turn.id for turn in again.changed] == [first.turn, first.reply]
        assert Turn.objects.count() == 3
        assert Turn.objects.get(pk=first.reply).status == "streaming"

    def test_what_was_said_unasked_is_stored_once(self) -> None:
        call = a_call()
        greeting = unasked()
        begin(call, said_before=(greeting,))
        begin(replace(call, is_new=False), said_before=(greeting,))
        assert Turn.objects.filter(text="Welcome.").count() == 1

    def test_a_turn_of_another_conversation_is_not_found_by_its_id(self) -> None:
        ids = {"turn_id": str(uuid.uuid4()), "reply_id": str(uuid.uuid4())}
        begin(a_call(), **ids)
        with pytest.raises(IntegrityError):
            begin(a_call(), **ids)
        assert Conversation.objects.count() == 1

    def test_a_call_whose_row_is_there_costs_five_statements(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        call = a_call()
        begun = begin(call)
        call = replace(call, is_new=False, is_open=True)
        recorder.write_conversation_data_into_database(call, done(begun.reply))
        with django_assert_num_queries(5):  # BEGIN and COMMIT among them
            begin(call, want_history=False)
        assert Call.objects.count() == 1


class TestEnding:
    def test_fills_the_row_once(self) -> None:
        call = a_call()
        begun = begin(call)
        (turn,) = recorder.write_conversation_data_into_database(call, done(begun.reply))
        assert (turn.status, turn.text, turn.rev) == ("done", "Hi.", 3)
        (again,) = recorder.write_conversation_data_into_database(call, done(begun.reply, "Other."))
        assert (again.text, again.rev) == ("Hi.", 3)
        assert Conversation.objects.get().rev == 3

    def test_by_another_process_changes_nothing(self) -> None:
        call = a_call()
        begun = begin(call)
        other = replace(call, instance="elsewhere")
        (turn,) = recorder.write_conversation_data_into_database(other, done(begun.reply))
        assert turn.status == "streaming"

    def test_after_it_was_taken_over_adds_what_was_said_but_not_that_it_was_done(self) -> None:
        call = a_call()
        first = begin(call)
        begin(replace(call, is_new=False))
        (turn,) = recorder.write_conversation_data_into_database(call, done(first.reply))
        assert (turn.status, turn.text) == ("interrupted", "Hi.")

    def test_counts_interruptions_and_errors(self) -> None:
        call = a_call()
        begun = begin(call)
        recorder.write_conversation_data_into_database(
            call, done(begun.reply, status="interrupted", error="speech_failed")
        )
        conversation = Conversation.objects.get()
        assert (conversation.interruption_count, conversation.error_count) == (1, 1)

    def test_of_a_deleted_conversation_is_refused(self) -> None:
        call = a_call()
        begun = begin(call)
        Conversation.objects.all().delete()
        with pytest.raises(recorder.NotYours):
            recorder.write_conversation_data_into_database(call, done(begun.reply))


class TestHistory:
    def test_of_a_new_conversation_is_empty(self) -> None:
        assert recorder.history(a_call()) == ()

    def test_is_what_was_heard(self) -> None:
        call = a_call()
        begun = begin(call, "One?", said_before=(unasked("Welcome."),))
        cut = done(begun.reply, "A long answer.", heard_text="A long", heard_ms=500)
        recorder.write_conversation_data_into_database(call, cut)
        call = replace(call, is_new=False)
        assert recorder.history(call) == (
            ("assistant", "Welcome."),
            ("user", "One?"),
            ("assistant", "A long"),
        )

    def test_is_of_the_last_turns(self) -> None:
        call = a_call()
        for number in range(25):
            begun = begin(call, f"{number}?")
            recorder.write_conversation_data_into_database(call, done(begun.reply, f"{number}."))
            call = replace(call, is_new=False)
        told = recorder.history(call)
        assert (len(told), told[0], told[-1]) == (40, ("user", "5?"), ("assistant", "24."))


class TestUnasked:
    def test_after_the_last_turn_is_kept(self, tmp_path: Path) -> None:
        call = a_call()
        begin(call)
        goodbye = unasked("Goodbye.", heard_text="Good", heard_ms=200)
        sound = recorded(tmp_path, goodbye.reply.id, start_ms=7_000)
        said = (unasked("Are you there?"), replace(goodbye, recordings=(sound,)))
        for _ in range(2):  # the second time there is nothing to do
            recorder.keep_unasked(replace(call, is_new=False), said)
        turns = list(Turn.objects.order_by("seq"))[2:]
        assert [(turn.text, turn.rev) for turn in turns] == [("Are you there?", 3), ("Goodbye.", 4)]
        assert (turns[1].heard_ms, turns[1].start_ms) == (200, 7_000)
        assert AudioSegment.objects.get().turn == turns[1]
        assert Conversation.objects.get().turn_count == 4

    def test_tells_what_it_stored(self) -> None:
        call = a_call()
        begin(call)
        (turn,) = recorder.keep_unasked(call, (unasked("Goodbye."),))
        assert (turn.text, turn.seq, turn.rev) == ("Goodbye.", 2, 3)

    def test_leaves_the_reply_that_streams_alone(self) -> None:
        call = a_call()
        begun = begin(call)
        recorder.keep_unasked(call, (unasked(),))
        assert recorder.renew_lease(call, begun.reply, "So far")
        second = begin(replace(call, is_new=False))
        assert second.taken_over == begun.reply

    def test_where_nothing_was_ever_stored_leaves_no_rows(self) -> None:
        assert recorder.keep_unasked(a_call(), (unasked(),)) == ()
        assert not Conversation.objects.exists()


class TestRating:
    def test_is_kept_and_taken_back(self) -> None:
        call = a_call()
        begun = begin(call)
        assert recorder.rate(call, begun.reply, -1).rating == -1
        turn = recorder.rate(call, begun.reply, 0)
        assert (turn.rating, turn.rev) == (None, 4)

    @pytest.mark.parametrize("which", ["user turn", "unknown", "no uuid"])
    def test_is_for_answers_of_this_conversation_alone(self, which: str) -> None:
        call = a_call()
        begun = begin(call)
        other = begin(a_call())
        turn = {"user turn": begun.turn, "unknown": other.reply, "no uuid": "x"}[which]
        with pytest.raises(recorder.UnknownTurn):
            recorder.rate(call, turn, 1)


class TestCalls:
    def test_its_row_is_written_once_and_closed(self) -> None:
        call = a_call(client_label="old-client")
        begin(call)
        begin(replace(call, is_new=False))
        recorder.end_call(call, 1000)
        row = Call.objects.get()
        assert (row.client_label, row.close_code, row.recorded) == ("old-client", 1000, True)
        assert row.ended_at is not None

    def test_that_recording_was_forbidden_in_the_middle_is_noted(self) -> None:
        call = a_call()
        begin(call)
        recorder.change_recording(replace(call, recorded=False))
        assert not Call.objects.get().recorded
