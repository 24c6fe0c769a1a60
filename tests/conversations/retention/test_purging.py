"""What is deleted for its age, and what is not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from conversations import media
from conversations.call_rows import see_calls
from conversations.leftovers import is_sound_wanted
from conversations.live import LiveCall
from conversations.models import AudioSegment, Call, Conversation, Turn
from conversations.reading import as_history, latest_turns, read_conversation
from conversations.recorder import begin_turn
from conversations.retention import purging, scrubbing
from conversations.retention.ages import Kind, days_ago
from conversations.retention.purging import Purged, due, held, purge, purge_some
from conversations.search import search
from conversations.transcript import transcript_text

from ..kept import keep_call, keep_sound, keep_turn
from .aged import WORD, age, aged_conversation, segments_of, turns_of

pytestmark = pytest.mark.django_db
MONTH = 30


def purged(kind: Kind, days: int = MONTH, **how) -> Purged:
    return sum((batch.purged for batch in purge(kind, days_ago(days), **how)), Purged())


class TestSound:
    def test_goes_as_rows_and_files_while_the_text_stays(self, django_capture_on_commit_callbacks):
        conversation = aged_conversation(31)
        keys = [segment.key for segment in segments_of(conversation)]
        with django_capture_on_commit_callbacks(execute=True):
            went = purged(Kind.SOUND)
        assert went == Purged(conversations=1, turns=2, segments=2, bytes=20)
        assert segments_of(conversation) == []
        assert not any(media.storage().exists(key) for key in keys)
        assert [WORD in turn.text for turn in turns_of(conversation)] == [True, True]
        conversation.refresh_from_db()
        assert conversation.sound_purged_at is not None
        assert conversation.text_purged_at is None
        assert conversation.audio_ms == 2000

    def test_leaves_those_who_were_there_a_revision_to_catch_up_with(self):
        conversation = aged_conversation(31)
        silent = keep_turn(conversation, "Without sound")
        Conversation.objects.update(rev=7)
        age(conversation, 31)
        purged(Kind.SOUND)
        stored = read_conversation(Conversation.objects.all(), str(conversation.pk), since_rev=7)
        assert stored is not None
        assert stored.rev == 8
        assert [(turn.rev, turn.audio) for turn in stored.turns] == [(8, ()), (8, ())]
        silent.refresh_from_db()
        assert silent.rev < 8

    def test_of_nothing_that_was_recorded_is_not_said_to_be_deleted(self):
        conversation = aged_conversation(31)
        AudioSegment.objects.all().delete()
        Conversation.objects.update(audio_ms=0)
        assert purged(Kind.SOUND) == Purged()
        conversation.refresh_from_db()
        assert conversation.sound_purged_at is None

    def test_that_comes_late_out_of_the_spool_is_not_stored_any_more(self, tmp_path):
        conversation = aged_conversation(31)
        purged(Kind.SOUND)
        turn = turns_of(conversation)[0]
        assert not is_sound_wanted(tmp_path, str(turn.pk))
        fresh = keep_turn(conversation, "Said afterwards")
        assert is_sound_wanted(tmp_path, str(fresh.pk))


class TestText:
    def test_goes_from_every_column_that_can_hold_words(self):
        conversation = aged_conversation(31)
        assert search(WORD).hits
        assert purged(Kind.TEXT) == Purged(conversations=1, turns=2)
        assert not search(WORD).hits
        conversation.refresh_from_db()
        for row in (conversation, *turns_of(conversation), *Call.objects.all()):
            for field in row._meta.concrete_fields:
                assert WORD not in str(getattr(row, field.attname)), field

    def test_leaves_what_statistics_are_made_of_and_the_sound(self):
        conversation = aged_conversation(31)
        purged(Kind.TEXT)
        conversation.refresh_from_db()
        assert conversation.text_purged_at is not None
        assert conversation.turn_count == 2
        reply = turns_of(conversation)[1]
        assert (reply.timings, reply.engines) == ({"first_audio": 321.0}, {"tts": "espeak"})
        assert (reply.status, reply.rating, reply.heard_ms) == ("done", 1, 500)
        assert len(segments_of(conversation)) == 2

    def test_is_not_shown_as_empty_turns_to_whoever_comes_back(self):
        conversation = aged_conversation(31)
        purged(Kind.TEXT)
        conversation.refresh_from_db()
        stored = read_conversation(Conversation.objects.all(), str(conversation.pk))
        assert stored is not None
        assert (stored.rev, stored.turns) == (3, ())
        assert as_history(latest_turns(conversation.pk)) == ()
        text = transcript_text(conversation, turns_of(conversation))
        assert "has been deleted for its age" in text
        assert "You:" not in text

    def test_is_taken_from_whoever_has_seen_it_before(self):
        conversation = aged_conversation(31)
        purged(Kind.TEXT)
        stored = read_conversation(Conversation.objects.all(), str(conversation.pk), since_rev=2)
        assert stored is not None
        assert [(turn.rev, turn.text, turn.cards) for turn in stored.turns] == [(3, "", ())] * 2


@pytest.mark.parametrize("kind", Kind)
class TestWhatStays:
    def test_what_is_younger(self, kind):
        aged_conversation(29.9)
        assert purged(kind) == Purged()

    def test_what_is_on_legal_hold(self, kind):
        conversation = aged_conversation(31, legal_hold=True)
        assert purged(kind) == Purged()
        assert list(held(kind, days_ago(MONTH))) == [conversation]
        assert len(segments_of(conversation)) == 2
        assert turns_of(conversation)[0].text

    def test_what_goes_on_now(self, kind):
        conversation = aged_conversation(31)
        call = keep_call(conversation, ended_at=None)
        see_calls([str(call.pk)])
        assert purged(kind) == Purged()
        Call.objects.filter(pk=call.pk).update(seen_at=timezone.now() - timedelta(days=1))
        assert purged(kind).conversations == 1

    def test_what_is_being_answered(self, kind):
        conversation = aged_conversation(31)
        reply = keep_turn(conversation, "And", status=Turn.Status.STREAMING)
        Conversation.objects.update(answering=reply.pk)
        age(conversation, 31)
        assert purged(kind) == Purged()

    def test_what_somebody_goes_on_with_between_the_look_and_the_lock(self, kind, monkeypatch):
        aged_conversation(31)
        really_due = purging.due

        def due_then_not(kind: Kind, before: datetime):
            found = really_due(kind, before)
            if looks:
                Conversation.objects.update(last_at=timezone.now())
            looks.append(1)
            return found

        looks: list[int] = []
        monkeypatch.setattr(purging, "due", due_then_not)
        assert purged(kind) == Purged()
        assert looks

    def test_what_a_rehearsal_counts(self, kind):
        conversation = aged_conversation(31)
        would = purged(kind, is_rehearsal=True)
        conversation.refresh_from_db()
        assert (conversation.rev, conversation.title) == (2, f"About {WORD}")
        assert len(segments_of(conversation)) == 2
        assert would == purged(kind)


@pytest.mark.parametrize("kind", Kind)
class TestAgain:
    def test_a_purge_finds_nothing_more_to_do(self, kind):
        aged_conversation(31)
        assert purged(kind).conversations == 1
        assert purged(kind) == Purged()

    def test_what_is_said_afterwards_ages_anew(self, kind):
        conversation = aged_conversation(31)
        purged(kind)
        with_sound = keep_turn(conversation, f"Once more {WORD}")
        keep_sound(with_sound)
        age(conversation, 0)
        assert purged(kind) == Purged()
        # As if all of it had been long ago: first that purge, then that turn.
        Conversation.objects.update(
            sound_purged_at=timezone.now() - timedelta(days=60),
            text_purged_at=timezone.now() - timedelta(days=60),
        )
        age(conversation, 31)
        assert purged(kind).conversations == 1
        with_sound.refresh_from_db()
        assert (with_sound.text == "") == (kind is Kind.TEXT)
        assert bool(segments_of(conversation)) == (kind is Kind.TEXT)

    def test_batches_go_through_all_of_it_and_can_be_stopped_at_any(self, kind):
        for days in (40, 40, 35, 50, 31):
            aged_conversation(days)
        young = aged_conversation(1)
        first = next(purge(kind, days_ago(MONTH), size=2))
        assert (first.seen, first.purged.conversations) == (2, 2)
        assert due(kind, days_ago(MONTH)).count() == 3
        batches = list(purge(kind, days_ago(MONTH), size=2))
        assert [batch.seen for batch in batches] == [2, 1]
        assert due(kind, days_ago(MONTH)).count() == 0
        assert len(segments_of(young)) == 2
        assert turns_of(young)[0].text

    def test_what_cannot_be_purged_is_not_tried_for_ever(self, kind, monkeypatch):
        for _ in range(3):
            aged_conversation(31)
        monkeypatch.setattr(purging, "_purge_sound", lambda conversations: Purged())
        monkeypatch.setattr(purging, "_purge_text", lambda conversations: Purged())
        assert len(list(purge(kind, days_ago(MONTH), size=1))) == 3


def test_a_person_goes_on_after_a_purge(tmp_path):
    conversation = aged_conversation(31)
    for kind in Kind:
        purged(kind)
    call = LiveCall(
        id="7b1c8a52-6a55-4f21-9b59-6a1f0a4a6c11",
        conversation=str(conversation.pk),
        person=str(conversation.person_id),
        bot_id=conversation.bot_id,
        language="en",
        protocol="native",
        instance="one",
        started_at=timezone.now(),
    )
    begun = begin_turn(
        call,
        turn_id="7b1c8a52-6a55-4f21-9b59-6a1f0a4a6c12",
        reply_id="7b1c8a52-6a55-4f21-9b59-6a1f0a4a6c13",
        client_id=f"id-{WORD}",
        text="Hello again",
    )
    assert begun.history == ()
    conversation.refresh_from_db()
    assert conversation.title == "Hello again"
    stored = read_conversation(Conversation.objects.all(), str(conversation.pk))
    assert stored is not None
    assert [turn.text for turn in stored.turns] == ["Hello again", ""]


def test_what_was_deleted_is_scrubbed_soon(django_capture_on_commit_callbacks):
    aged_conversation(31)
    scrubbing.take_back()
    with django_capture_on_commit_callbacks(execute=True):
        assert purge_some(Kind.TEXT, days_ago(MONTH)) is not None
    assert scrubbing.is_asked()
