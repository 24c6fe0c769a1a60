"""What reviewers correct of what was understood."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from accounts.models import User
from conversations.models import Conversation, Turn
from conversations.search import search

from ..kept import keep_turn
from ..test_admin import page_of, staff
from .labelling import REVIEWER, corrected, correction_page

pytestmark = pytest.mark.django_db


class TestCorrections:
    def test_stand_beside_what_the_transcript_says(self, reviewer, conversation):
        turn = conversation.turns.first()
        page = reviewer.get(page_of(conversation)).content.decode()
        assert page.count("</textarea>") == 3  # the note, and of each turn
        response = reviewer.post(correction_page(turn), corrected(turn, "Are there houses?"))
        assert response.url == f"{page_of(conversation)}#turn-{turn.pk}"
        turn.refresh_from_db()
        assert (turn.text, turn.corrected_text) == ("Are their horses?", "Are there houses?")
        assert turn.corrected_by.username.startswith("staff")
        page = staff("view_conversation", "read_transcript").get(page_of(conversation))
        assert b"Are their horses?" in page.content
        assert b"Are there houses?" in page.content
        assert turn.corrected_by.username in page.content.decode()

    def test_change_nothing_that_the_person_is_told(self, reviewer, conversation):
        turn = conversation.turns.first()
        before = Conversation.objects.values().get(), turn.rev
        reviewer.post(correction_page(turn), corrected(turn, "Are there houses?"))
        turn.refresh_from_db()
        assert (Conversation.objects.values().get(), turn.rev) == before

    def test_are_found_by_search(self, reviewer, conversation):
        turn = conversation.turns.first()
        reviewer.post(correction_page(turn), corrected(turn, "Are there hamsters?"))
        assert [hit.turn for hit in search("hamsters").hits] == [turn]

    @pytest.mark.parametrize("text", ["", "  ", "Are their horses?"])
    def test_are_taken_back_by_nothing_or_by_what_it_says_anyway(
        self, reviewer, conversation, text
    ):
        turn = conversation.turns.first()
        reviewer.post(correction_page(turn), corrected(turn, "Are there houses?"))
        reviewer.post(correction_page(turn), corrected(turn, text))
        turn.refresh_from_db()
        assert (turn.corrected_text, turn.corrected_at, turn.corrected_by) == ("", None, None)
        assert turn.text == "Are their horses?"

    def test_of_two_reviewers_are_both_shown_to_the_second(self, reviewer, conversation):
        turn = conversation.turns.first()
        stale = corrected(turn, "By the second")
        staff(*REVIEWER).post(correction_page(turn), corrected(turn, "By the first"))
        told = reviewer.post(correction_page(turn), stale)
        assert told.status_code == 409
        page = told.content.decode()
        for shown in ("By the first", "By the second", "Are their horses?"):
            assert shown in page
        turn.refresh_from_db()
        assert turn.corrected_text == "By the first"
        seen = re.search(r'name="seen" value="(\w+)"', page)[1]
        reviewer.post(correction_page(turn), {**stale, "seen": seen})
        turn.refresh_from_db()
        assert turn.corrected_text == "By the second"

    def test_too_long_are_refused_and_kept_to_be_shortened(self, reviewer, conversation):
        turn = conversation.turns.first()
        response = reviewer.post(correction_page(turn), corrected(turn, "x" * 20_001))
        assert response.status_code == 200
        assert b"errorlist" in response.content
        assert b"x" * 20_001 in response.content
        turn.refresh_from_db()
        assert turn.corrected_text == ""

    @pytest.mark.parametrize("more", [{"status": Turn.Status.STREAMING}, {"text": ""}])
    def test_are_only_of_what_is_said_and_kept(self, reviewer, conversation, more):
        turn = conversation.turns.last()
        Turn.objects.filter(pk=turn.pk).update(**more)
        assert correction_page(turn) not in reviewer.get(page_of(conversation)).content.decode()
        response = reviewer.post(correction_page(turn), corrected(turn, "Something"))
        assert b"errorlist" in response.content
        turn.refresh_from_db()
        assert turn.corrected_text == ""

    def test_by_somebody_who_is_deleted_stay(self, reviewer, conversation):
        turn = conversation.turns.first()
        gone = User.objects.create_user("gone")
        Turn.objects.filter(pk=turn.pk).update(
            corrected_text="Are there houses?", corrected_at=timezone.now(), corrected_by=gone
        )
        gone.delete()
        assert b"Are there houses?" in reviewer.get(page_of(conversation)).content

    def test_take_no_query_for_each_turn(
        self, reviewer, conversation, django_assert_max_num_queries
    ):
        by = User.objects.create_user("bea")
        for number in range(100):
            keep_turn(
                conversation,
                f"Turn {number}",
                corrected_text="x",
                corrected_at=timezone.now(),
                corrected_by=by,
            )
        with django_assert_max_num_queries(24):
            reviewer.get(page_of(conversation))
