"""One conversation after the other, and many at once."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Person
from conversations.labels import tag_names
from conversations.models import Access, Conversation, Tag

from ..kept import keep_call, keep_conversation
from ..test_admin import LIST, page_of, staff
from .labelling import NEXT, filled_in, tags_of

pytestmark = pytest.mark.django_db


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
