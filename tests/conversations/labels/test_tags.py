"""Tags themselves."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from conversations.models import Conversation, Tag

from ..test_admin import LIST, staff
from .labelling import REVIEWER, tags_of

pytestmark = pytest.mark.django_db


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
