"""What reviewers note of a conversation: grade, tags, note, "reviewed"; and that nothing of it is lost."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person, User
from conversations.models import Access, Conversation, Tag, Turn

from ..kept import keep_conversation, keep_turn
from ..test_admin import HOSTILE, LIST, page_of, staff
from .labelling import NEXT, REVIEWER, corrected, correction_page, filled_in, labels_page, tags_of

pytestmark = pytest.mark.django_db


class TestNoting:
    def test_is_done_on_the_page_of_the_conversation(self, reviewer, conversation):
        page = reviewer.get(page_of(conversation)).content.decode()
        assert f'action="{labels_page(conversation)}"' in page
        sent = filled_in(conversation)
        assert f'name="seen" value="{sent["seen"]}"' in page
        sent |= {
            "grade": "4",
            "new_tags": "billing,  follow   up ,billing",
            "note": "First line\r\nsecond",
            "reviewed": "on",
        }
        response = reviewer.post(labels_page(conversation), sent)
        assert response.url == f"{page_of(conversation)}#labels"
        conversation.refresh_from_db()
        assert (conversation.grade, conversation.note) == (4, "First line\nsecond")
        assert tags_of(conversation) == {"billing", "follow up"}
        assert conversation.reviewed_by.username.startswith("staff")
        page = reviewer.get(page_of(conversation)).content.decode()
        assert re.search(r'value="4"[^>]* checked', page)
        assert re.search(r'value="follow up"[^>]* checked', page)
        assert "First line\nsecond" in page

    def test_can_be_taken_back(self, reviewer, conversation):
        reviewer.post(
            labels_page(conversation),
            filled_in(conversation, grade="1", new_tags="x", note="y", reviewed="on"),
        )
        reviewer.post(
            labels_page(conversation),
            filled_in(conversation, grade="", tags=[], note="", reviewed=None),
        )
        conversation.refresh_from_db()
        assert (conversation.grade, conversation.note) == (None, "")
        assert (conversation.reviewed_at, conversation.reviewed_by) == (None, None)
        assert tags_of(conversation) == set()
        assert Tag.objects.filter(name="x").exists()

    def test_leaves_what_the_person_is_told_as_it_was(self, reviewer, conversation):
        before = Conversation.objects.values().get()
        reviewer.post(labels_page(conversation), filled_in(conversation, note="Look"))
        after = Conversation.objects.values().get()
        assert {name for name in after if after[name] != before[name]} == {"note"}

    def test_keeps_who_reviewed_it_first(self, reviewer, conversation):
        reviewer.post(labels_page(conversation), filled_in(conversation, reviewed="on"))
        first = Conversation.objects.get()
        other = staff(*REVIEWER)
        other.post(labels_page(conversation), filled_in(conversation, note="Me too"))
        second = Conversation.objects.get()
        assert second.note == "Me too"
        assert (second.reviewed_at, second.reviewed_by) == (first.reviewed_at, first.reviewed_by)

    def test_shows_that_it_was_reviewed_by_somebody_who_is_deleted(self, reviewer, conversation):
        gone = User.objects.create_user("gone")
        Conversation.objects.update(reviewed_at=timezone.now(), reviewed_by=gone)
        gone.delete()
        assert reviewer.get(page_of(conversation)).status_code == 200
        assert reviewer.get(labels_page(conversation)).status_code == 200
        reviewer.post(labels_page(conversation), filled_in(conversation, note="Still"))
        assert Conversation.objects.get().reviewed_at is not None

    def test_shows_who_may_only_read_what_is_noted(self, conversation):
        Conversation.objects.update(note="Look here", grade=2)
        page = staff("view_conversation", "read_transcript").get(page_of(conversation))
        assert b"Look here" in page.content
        assert b"poor" in page.content
        assert b"data-unsaved" not in page.content

    def test_finds_tags_however_they_are_capitalised(self, reviewer, conversation):
        billing = Tag.objects.create(name="Billing")
        reviewer.post(labels_page(conversation), filled_in(conversation, new_tags="BILLING"))
        assert list(conversation.tags.all()) == [billing]

    def test_keeps_a_tag_that_was_ticked_though_it_is_deleted_meanwhile(
        self, reviewer, conversation
    ):
        Tag.objects.create(name="billing")
        sent = filled_in(conversation, tags=["billing"])
        Tag.objects.all().delete()
        reviewer.post(labels_page(conversation), sent)
        assert tags_of(conversation) == {"billing"}

    def test_has_a_page_of_its_own(self, reviewer, conversation):
        page = reviewer.get(labels_page(conversation)).content.decode()
        assert 'name="note"' in page
        assert page_of(conversation) in page


class TestTwoReviewers:
    def test_the_second_is_told_and_nothing_is_lost(self, conversation):
        ann, bea = staff(*REVIEWER), staff(*REVIEWER)
        of_ann = filled_in(conversation, note="By Ann", grade="1")
        of_bea = filled_in(conversation, note="By Bea", new_tags="late")
        ann.post(labels_page(conversation), of_ann)
        told = bea.post(labels_page(conversation), of_bea)
        assert told.status_code == 409
        page = told.content.decode()
        assert "By Ann" in page
        assert "By Bea" in page
        assert 'value="late"' in page
        assert Access.objects.latest("pk").username in page
        conversation.refresh_from_db()
        assert (conversation.note, conversation.grade) == ("By Ann", 1)
        # Having seen it, Bea insists.
        seen = re.search(r'name="seen" value="(\w+)"', page)[1]
        assert bea.post(labels_page(conversation), {**of_bea, "seen": seen}).status_code == 302
        conversation.refresh_from_db()
        assert conversation.note == "By Bea"
        assert tags_of(conversation) == {"late"}

    @pytest.mark.parametrize("what", ["grade", "tags", "reviewed"])
    def test_whatever_the_first_has_changed(self, what, reviewer, conversation):
        stale = filled_in(conversation, note="Mine")
        if what == "grade":
            Conversation.objects.update(grade=3)
        elif what == "tags":
            conversation.tags.add(Tag.objects.create(name="x"))
        else:
            Conversation.objects.update(reviewed_at=timezone.now())
        assert reviewer.post(labels_page(conversation), stale).status_code == 409
        assert Conversation.objects.get().note == ""

    def test_a_button_pressed_twice_is_no_conflict(self, reviewer, conversation):
        sent = filled_in(conversation, note="Once", new_tags="x", reviewed="on")
        for _ in range(2):
            assert reviewer.post(labels_page(conversation), sent).status_code == 302
        assert Access.objects.filter(what=Access.What.LABELLED).count() == 1

    def test_calls_that_go_on_meanwhile_are_no_conflict(self, reviewer, conversation):
        sent = filled_in(conversation, note="Noted")
        Conversation.objects.update(turn_count=9, duration_ms=5, last_at=timezone.now())
        assert reviewer.post(labels_page(conversation), sent).status_code == 302


class TestBadInput:
    @pytest.mark.parametrize(
        "fields",
        [
            {"note": "x" * 100_000},
            {"grade": "6"},
            {"grade": "x"},
            {"new_tags": "x" * 41},
            {"new_tags": "a\u202eb"},
            {"new_tags": "a\x07b"},
            {"new_tags": "a\0b"},
            {"new_tags": ",".join(str(number) for number in range(21))},
            {"tags": ["a,b"]},
            {"tags": [""]},
            {"tags": ["\u2066"]},
        ],
    )
    def test_is_refused_and_what_was_typed_is_kept(self, reviewer, conversation, fields):
        sent = filled_in(conversation, **({"note": "My long thoughts"} | fields))
        response = reviewer.post(labels_page(conversation), sent)
        assert response.status_code == 200
        page = response.content.decode()
        assert "errorlist" in page
        assert sent["note"][:50] in page
        conversation.refresh_from_db()
        assert (conversation.note, conversation.grade) == ("", None)
        assert not Tag.objects.exists()
        assert not Access.objects.filter(what=Access.What.LABELLED).exists()

    @pytest.mark.parametrize("seen", ["0", "", None, "x" * 100_000])
    def test_a_form_of_no_known_version_is_a_conflict(self, reviewer, conversation, seen):
        sent = filled_in(conversation, note="x", seen=seen)
        assert reviewer.post(labels_page(conversation), sent).status_code == 409

    def test_a_note_as_long_as_it_may_be_counts_line_ends_once(self, reviewer, conversation):
        note = "x\r\n" * 4_999 + "xx"
        reviewer.post(labels_page(conversation), filled_in(conversation, note=note))
        assert len(Conversation.objects.get().note) == 10_000

    def test_characters_that_hide_are_left_out(self, reviewer, conversation):
        turn = conversation.turns.first()
        Turn.objects.filter(pk=turn.pk).update(text="a\u202eb\x07c")
        page = reviewer.get(page_of(conversation)).content.decode()
        assert "a⟨U+202E⟩b⟨U+0007⟩c" in page
        assert "abc</textarea>" in page
        reviewer.post(correction_page(turn), corrected(turn, "abc"))
        turn.refresh_from_db()
        assert turn.corrected_text == ""
        sent = filled_in(conversation, note="x\0y\u2066z\r\n\u200ftail")
        reviewer.post(labels_page(conversation), sent)
        conversation.refresh_from_db()
        assert conversation.note == "xyz\n\u200ftail"

    def test_hostile_words_are_shown_and_do_nothing(self, reviewer, conversation):
        turn = conversation.turns.first()
        reviewer.post(
            labels_page(conversation),
            filled_in(conversation, note=HOSTILE, new_tags="<b>tag</b>,\"'onload=x"),
        )
        reviewer.post(correction_page(turn), corrected(turn, HOSTILE))
        may_read = staff("view_conversation", "read_transcript")
        for client in (reviewer, may_read):
            page = client.get(page_of(conversation)).content.decode()
            assert "<script>alert" not in page
            assert "<img src=x" not in page
            assert "<b>tag" not in page
            assert "gnp.exe" in page
            assert not set("\u202e\u2066\x07\x1b") & set(page)

    @pytest.mark.parametrize("way", ["labels", "correction"])
    def test_what_is_not_there_is_not_found(self, reviewer, conversation, way):
        other = keep_turn(keep_conversation(Person.objects.create()))
        for path in {
            "labels": [f"{LIST}{uuid.uuid4()}/labels/"],
            "correction": [
                f"{LIST}{conversation.pk}/turns/{uuid.uuid4()}/correction/",
                f"{LIST}{conversation.pk}/turns/{other.pk}/correction/",
                f"{LIST}{uuid.uuid4()}/turns/{other.pk}/correction/",
            ],
        }[way]:
            assert reviewer.get(path).status_code == 404
            assert reviewer.post(path, {"text": "x", "seen": "y"}).status_code == 404

    def test_other_methods_are_refused(self, reviewer, conversation):
        turn = conversation.turns.first()
        for path in (labels_page(conversation), correction_page(turn)):
            assert reviewer.put(path).status_code == 405
        assert reviewer.post(NEXT).status_code == 405

    def test_a_form_from_another_site_is_refused(self, reviewer, conversation):
        strict = Client(enforce_csrf_checks=True, headers=None)
        strict.cookies = reviewer.cookies
        sent = filled_in(conversation, note="x")
        assert strict.post(labels_page(conversation), sent).status_code == 403


@pytest.mark.parametrize("missing", [*REVIEWER, "is_staff", "login"])
def test_each_permission_is_needed(conversation, missing):
    turn = conversation.turns.first()
    client = staff(*(name for name in REVIEWER if name != missing))
    if missing == "is_staff":
        User.objects.update(is_staff=False)
    elif missing == "login":
        client = Client()
    for path, sent in (
        (labels_page(conversation), filled_in(conversation, note="x")),
        (correction_page(turn), corrected(turn, "x")),
        (f"{LIST}{uuid.uuid4()}/labels/", {}),
    ):
        for response in (client.get(path), client.post(path, sent)):
            if missing in REVIEWER:
                assert response.status_code == 403
            else:
                assert "/login/" in response.url
    assert client.get(NEXT).status_code in (302, 403)
    assert not client.get(NEXT).headers.get("Location", "").startswith(LIST)
    assert not Conversation.objects.exclude(note="").exists()
    assert not Turn.objects.exclude(corrected_text="").exists()
