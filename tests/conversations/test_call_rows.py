"""What is known of calls while they go on, and of their conversation when they have ended."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from conversations import call_rows, recorder
from conversations.models import Call, Conversation, Turn

from .live_call import a_call, begin, done, unasked

pytestmark = pytest.mark.django_db(transaction=True)
write = recorder.write_conversation_data_into_database


def answered(call: recorder.LiveCall, **timings: float) -> str:
    """A turn and its reply; returns the reply's id."""
    begun = begin(call)
    write(call, done(begun.reply, timings=timings))
    return begun.reply


def last_seen(seconds_ago: float) -> None:
    Call.objects.update(seen_at=timezone.now() - timedelta(seconds=seconds_ago))


class TestACallThatGoesOn:
    def test_is_live_and_tells_its_protocol(self) -> None:
        begin(a_call(protocol="twilio"))
        assert Conversation.objects.get().protocol == "twilio"
        assert list(call_rows.live_conversations()) == [Conversation.objects.get().pk]

    def test_gives_its_protocol_to_a_conversation_that_began_with_another(self) -> None:
        call = a_call(protocol="twilio")
        begin(call)
        again = a_call(conversation=call.conversation, person=call.person, protocol="voicebot")
        begin(replace(again, is_new=False))
        assert Conversation.objects.get().protocol == "voicebot"

    def test_is_live_as_long_as_it_is_seen(self) -> None:
        call = a_call()
        begin(call)
        last_seen(44)
        assert call_rows.live_calls().exists()
        last_seen(46)
        assert not call_rows.live_calls().exists()
        call_rows.see_calls([call.id])
        assert call_rows.live_calls().exists()

    def test_is_seen_with_all_others_by_one_statement(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        calls = [a_call() for _ in range(3)]
        for call in calls:
            begin(call)
        last_seen(30)
        with django_assert_num_queries(1):
            call_rows.see_calls([call.id for call in calls])
        assert not Call.objects.filter(seen_at__lt=timezone.now() - timedelta(seconds=10)).exists()
        with django_assert_num_queries(0):
            call_rows.see_calls([])

    def test_is_not_live_any_more_once_it_has_ended(self) -> None:
        call = a_call()
        begin(call)
        recorder.end_call(call, 1000)
        call_rows.see_calls([call.id])  # asked for before it ended
        assert not call_rows.live_calls().exists()
        assert Call.objects.get().ended_at is not None


class TestTheEndOfACall:
    def test_adds_up_how_long_the_calls_lasted(self) -> None:
        now = timezone.now()
        first = a_call(started_at=now - timedelta(minutes=5))
        begin(first)
        second = a_call(
            conversation=first.conversation,
            person=first.person,
            started_at=now - timedelta(minutes=1),
        )
        begin(replace(second, is_new=False))
        recorder.end_call(second, 1000)
        assert Conversation.objects.get().duration_ms == pytest.approx(60_000, abs=5_000)
        recorder.end_call(first, 1001)
        assert Conversation.objects.get().duration_ms == pytest.approx(360_000, abs=10_000)

    def test_tells_how_slow_the_slowest_answers_were(self) -> None:
        call = a_call()
        answered(call, first_text=100.0, first_audio=400.0)
        call = replace(call, is_new=False, is_open=True)
        answered(call, first_text=900.0)
        write(call, done(begin(call).reply))  # never began
        recorder.end_call(call, 1000)
        assert Conversation.objects.get().p95_ms == 900

    def test_counts_no_greeting_nobody_waited_for_it(self) -> None:
        call = a_call()
        greeting = unasked("Welcome.", timings={"first_text": 5_000.0})
        begun = begin(call, said_before=(greeting,))
        write(call, done(begun.reply, timings={"first_text": 80.0}))
        recorder.end_call(call, 1000)
        assert Conversation.objects.get().p95_ms == 80

    def test_of_which_nothing_was_stored_leaves_nothing(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        call = a_call()
        with django_assert_max_num_queries(3):
            recorder.end_call(call, 1000)
        assert not Call.objects.exists()

    def test_leaves_what_reviewers_noted(self) -> None:
        call = a_call()
        answered(call, first_text=1.0)
        Conversation.objects.update(note="Look here", grade=1)
        recorder.end_call(call, 1000)
        conversation = Conversation.objects.get()
        assert (conversation.note, conversation.grade) == ("Look here", 1)


class TestACallWhoseProcessDied:
    def test_ends_when_it_was_seen_last(self, tmp_path: Path) -> None:
        call = a_call(started_at=timezone.now() - timedelta(seconds=160))
        answered(call, first_text=70.0)
        last_seen(60)
        recorder.end_expired(tmp_path)
        row = Call.objects.get()
        assert row.ended_at == row.seen_at
        assert row.close_code is None
        conversation = Conversation.objects.get()
        assert conversation.duration_ms == pytest.approx(100_000, abs=2_000)
        assert conversation.p95_ms == 70

    def test_is_left_alone_while_it_may_live(self, tmp_path: Path) -> None:
        begin(a_call())
        last_seen(40)
        recorder.end_expired(tmp_path)
        assert Call.objects.get().ended_at is None

    def test_goes_on_where_the_process_was_only_held_up(self, tmp_path: Path) -> None:
        call = a_call()
        begin(call)
        last_seen(60)
        recorder.end_expired(tmp_path)
        call_rows.see_calls([call.id])
        assert call_rows.live_calls().exists()
        recorder.end_call(call, 1000)
        assert Call.objects.get().close_code == 1000

    def test_is_not_ended_if_it_is_seen_just_then(self) -> None:
        call = a_call()
        begin(call)
        last_seen(60)
        ((call_id, conversation_id),) = call_rows.lost_calls()
        call_rows.see_calls([call.id])
        call_rows.end_lost(call_id, conversation_id)
        assert Call.objects.get().ended_at is None


class TestRatings:
    def test_are_counted_given_changed_and_taken_back(self) -> None:
        call = a_call()
        reply = answered(call)
        call = replace(call, is_new=False, is_open=True)
        other = answered(call)
        rate = functools.partial(recorder.rate, call)

        def counted() -> tuple[int, int]:
            row = Conversation.objects.get()
            return row.liked_count, row.disliked_count

        rate(reply, 1)
        rate(other, -1)
        assert counted() == (1, 1)
        rate(reply, 1)  # said twice
        assert counted() == (1, 1)
        rate(reply, -1)
        assert counted() == (0, 2)
        rate(reply, 0)
        rate(other, 0)
        assert counted() == (0, 0)
        assert not Turn.objects.filter(rating__isnull=False).exists()
