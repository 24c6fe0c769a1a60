"""What reviewers note: grade, tags, note, "reviewed", corrections; and that nothing of it is lost."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person, User
from conversations.labels import tag_names
from conversations.labels.keeping import correction_version_of, labels_of, version_of
from conversations.models import Access, Conversation, Tag, Turn
from conversations.search import search

from .kept import keep_call, keep_conversation, keep_turn
from .test_admin import HOSTILE, LIST, page_of, staff

pytestmark = pytest.mark.django_db
REVIEWER = ("view_conversation", "read_transcript", "label_conversation")
NEXT = f"{LIST}next/"


@pytest.fixture
def conversation() -> Conversation:
    conversation = keep_conversation(Person.objects.create(), "About houses")
    keep_turn(conversation, "Are their horses?")
    keep_turn(conversation, "There are three houses.")
    return conversation


@pytest.fixture
def reviewer() -> Client:
    return staff(*REVIEWER)


def labels_page(conversation):
    return f"{LIST}{conversation.pk}/labels/"


def correction_page(turn):
    return f"{LIST}{turn.conversation_id}/turns/{turn.pk}/correction/"


def filled_in(conversation, **fields):
    """What the form of the conversation's page sends, with these fields changed."""
    conversation.refresh_from_db()
    kept = {
        "seen": version_of(conversation, labels_of(conversation)),
        "grade": conversation.grade or "",
        "tags": [tag.name for tag in conversation.tags.all()],
        "note": conversation.note,
        **({"reviewed": "on"} if conversation.reviewed_at else {}),
    }
    return {name: value for name, value in {**kept, **fields}.items() if value is not None}


def corrected(turn, text, **more):
    turn.refresh_from_db()
    return {"seen": correction_version_of(turn), "text": text, **more}


def tags_of(conversation):
    return {tag.name for tag in conversation.tags.all()}


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


class TestTheNext:
    @pytest.fixture
    def three(self):
        """The newest first."""
        person = Person.objects.create()
        kept = [keep_conversation(person, f"Talk {number}") for number in range(3)]
        for number, one in enumerate(kept):
            at = timezone.now() - timedelta(hours=number)
            Conversation.objects.filter(pk=one.pk).update(last_at=at)
        return kept

    def test_is_the_one_below_in_the_list(self, reviewer, three):
        assert reviewer.get(NEXT).url == page_of(three[0])
        for here, there in zip(three, [*three[1:], three[0]], strict=True):
            assert reviewer.get(NEXT, {"after": here.pk}).url == page_of(there)

    def test_is_not_reviewed_yet_and_over(self, reviewer, three):
        Conversation.objects.filter(pk=three[1].pk).update(reviewed_at=timezone.now())
        assert reviewer.get(NEXT, {"after": three[0].pk}).url == page_of(three[2])
        keep_call(three[2], seen_at=timezone.now())
        assert reviewer.get(NEXT, {"after": three[1].pk}).url == page_of(three[0])
        keep_call(three[0], seen_at=timezone.now() - timedelta(minutes=5))
        assert reviewer.get(NEXT).url == page_of(three[0])

    def test_keeps_the_filters_and_the_order_of_the_list(self, reviewer, three):
        Conversation.objects.filter(pk__in=[three[0].pk, three[2].pk]).update(error_count=1)
        Conversation.objects.filter(pk=three[2].pk).update(error_count=5)
        worst_first = "trouble=errors&o=-7.-6.-3&reviewed=no&p=1"
        first = reviewer.get(NEXT, {"_changelist_filters": worst_first}).url
        assert first.startswith(f"{page_of(three[2])}?_changelist_filters=trouble%3Derrors")
        page = reviewer.get(first).content.decode()
        sent = filled_in(three[2])
        action = re.search(r'data-unsaved action="([^"]+/labels/[^"]*)"', page)[1]
        saved = reviewer.post(action.replace("&amp;", "&"), {**sent, "then": "next"})
        three[2].refresh_from_db()
        assert three[2].reviewed_at is not None
        then = reviewer.get(saved.url).url
        assert then.startswith(f"{page_of(three[0])}?_changelist_filters=")
        Conversation.objects.update(reviewed_at=timezone.now())
        done = reviewer.get(saved.url)
        assert done.url == f"{LIST}?{worst_first}"
        assert b"none waits" in reviewer.get(done.url).content

    def test_is_none_where_all_are_reviewed(self, reviewer, three):
        Conversation.objects.update(reviewed_at=timezone.now())
        for after in ("", str(three[1].pk), "nonsense", str(uuid.uuid4())):
            assert reviewer.get(NEXT, {"after": after}).url == LIST

    def test_bears_filters_that_there_are_not(self, reviewer, three):
        for filters in ("bot__id__exact=nonsense", "p=99", "trouble=what", "o=99.x"):
            response = reviewer.get(NEXT, {"_changelist_filters": filters})
            assert response.url.startswith(page_of(three[0]))

    def test_leads_nowhere_else(self, reviewer, three):
        Conversation.objects.update(reviewed_at=timezone.now())
        response = reviewer.get(NEXT, {"_changelist_filters": "//evil.example/"})
        assert response.url.startswith(f"{LIST}?")


class TestManyAtOnce:
    @pytest.fixture
    def many(self):
        person = Person.objects.create()
        return [keep_conversation(person, f"Talk {number}") for number in range(5)]

    @staticmethod
    def act(client, action, conversations, **more):
        ids = [str(one.pk) for one in conversations]
        return client.post(LIST, {"action": action, "_selected_action": ids, **more}, follow=True)

    def test_are_marked_as_reviewed(self, reviewer, many):
        earlier = timezone.now() - timedelta(days=1)
        Conversation.objects.filter(pk=many[0].pk).update(reviewed_at=earlier)
        keep_call(many[1], seen_at=timezone.now())
        page = self.act(reviewer, "mark_selected_reviewed", many[:4]).content
        assert b"2 conversations are marked" in page
        reviewed = Conversation.objects.filter(reviewed_at__isnull=False)
        assert {one.pk for one in reviewed} == {many[0].pk, many[2].pk, many[3].pk}
        assert Conversation.objects.get(pk=many[0].pk).reviewed_at == earlier
        noted = Access.objects.filter(what=Access.What.LABELLED)
        assert {entry.conversation_id for entry in noted} == {many[2].pk, many[3].pk}

    def test_get_tags(self, reviewer, many):
        many[0].tags.add(Tag.objects.create(name="late"))
        asked = self.act(reviewer, "tag_selected", many[:3]).content.decode()
        assert "To 3 conversations." in asked
        assert asked.count('name="_selected_action"') == 3
        page = self.act(reviewer, "tag_selected", many[:3], post="yes", new_tags="Late, new")
        assert b"3 conversations have other tags" in page.content
        assert [tags_of(one) for one in many] == [{"late", "new"}] * 3 + [set()] * 2
        page = self.act(reviewer, "tag_selected", many[:3], post="yes", new_tags="late")
        assert b"0 conversations" in page.content

    def test_all_that_match_get_tags(self, reviewer, many):
        self.act(reviewer, "tag_selected", many[:1], post="yes", new_tags="all", select_across="1")
        assert Tag.objects.get().conversations.count() == 5

    @pytest.mark.parametrize("names", ["", " , ", "a\x00b", "x" * 41, "a\u202eb"])
    def test_get_no_bad_tags(self, reviewer, many, names):
        page = self.act(reviewer, "tag_selected", many, post="yes", new_tags=names)
        assert b"errorlist" in page.content
        assert not Tag.objects.exists()

    def test_get_not_too_many_tags(self, reviewer, many):
        full = [Tag.objects.create(name=str(n)) for n in range(tag_names.PER_CONVERSATION)]
        many[1].tags.set(full)
        page = self.act(reviewer, "tag_selected", many, post="yes", new_tags="one more")
        assert b"errorlist" in page.content
        assert tags_of(many[0]) == set()

    @pytest.mark.parametrize("action", ["mark_selected_reviewed", "tag_selected"])
    def test_are_for_those_who_may_label(self, many, action):
        for permissions in (
            ("view_conversation", "read_transcript"),
            ("view_conversation", "label_conversation"),
        ):
            client = staff(*permissions)
            assert action not in client.get(LIST).content.decode()
            self.act(client, action, many, post="yes", new_tags="x")
        assert not Conversation.objects.filter(reviewed_at__isnull=False).exists()
        assert not Tag.objects.exists()


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


class TestTags:
    TAGS = "/admin/conversations/tag/"

    def test_are_listed_with_how_many_have_them(self, admin_client, conversation):
        tag = Tag.objects.create(name="billing")
        conversation.tags.add(tag)
        page = admin_client.get(self.TAGS).content.decode()
        assert re.search(rf'<a href="{LIST}\?tag={tag.pk}">1</a>', page)

    def test_are_renamed_wherever_they_are(self, admin_client, conversation):
        tag = Tag.objects.create(name="billing")
        conversation.tags.add(tag)
        admin_client.post(f"{self.TAGS}{tag.pk}/change/", {"name": " money  matters "})
        assert tags_of(conversation) == {"money matters"}

    @pytest.mark.parametrize("name", ["", "BILLING", "a,b", "a\u202eb", "x" * 41])
    def test_are_not_renamed_to_what_is_none_or_another(self, admin_client, name):
        Tag.objects.create(name="billing")
        tag = Tag.objects.create(name="late")
        page = admin_client.post(f"{self.TAGS}{tag.pk}/change/", {"name": name})
        assert b"errorlist" in page.content
        tag.refresh_from_db()
        assert tag.name == "late"

    def test_may_be_capitalised_otherwise(self, admin_client):
        tag = Tag.objects.create(name="billing")
        admin_client.post(f"{self.TAGS}{tag.pk}/change/", {"name": "Billing"})
        tag.refresh_from_db()
        assert tag.name == "Billing"

    def test_are_deleted_and_their_conversations_stay(self, admin_client, conversation):
        tag = Tag.objects.create(name="billing")
        conversation.tags.add(tag)
        path = f"{self.TAGS}{tag.pk}/delete/"
        assert b"Conversations that have them: 1" in admin_client.get(path).content
        admin_client.post(path, {"post": "yes"})
        assert not Tag.objects.exists()
        assert Conversation.objects.exists()

    def test_are_for_those_who_may(self):
        tag = Tag.objects.create(name="billing")
        client = staff("view_tag")
        assert client.get(self.TAGS).status_code == 200
        assert client.post(f"{self.TAGS}{tag.pk}/change/", {"name": "x"}).status_code == 403
        assert client.post(f"{self.TAGS}{tag.pk}/delete/", {"post": "yes"}).status_code == 403
        assert staff(*REVIEWER).get(self.TAGS).status_code == 403
        assert Client().get(self.TAGS).status_code == 302
