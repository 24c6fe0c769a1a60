"""Legal hold: who may, and that nobody deletes what is on it."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db.models import ProtectedError
from django.test import Client

from accounts.models import Person, User
from conversations import media
from conversations.deletion import delete_conversations
from conversations.models import Access, Conversation
from conversations.retention.hold_views import AT_ONCE

from ..kept import guest_of, keep_conversation, user_of
from .aged import WORD, aged_conversation, segments_of

pytestmark = pytest.mark.django_db
LIST = "/admin/conversations/conversation/"
READER = ("view_conversation", "read_transcript")
HOLDER = (*READER, "hold_conversation")


def staff(*permissions: str) -> Client:
    """A browser in which somebody with just these permissions has logged in."""
    user = User.objects.create_user(f"staff{User.objects.count()}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def page_of(conversation: Conversation, page: str) -> str:
    return f"{LIST}{conversation.pk}/{page}/"


def is_held(conversation: Conversation) -> bool:
    return Conversation.objects.get(pk=conversation.pk).legal_hold


def noted() -> list[str]:
    return list(Access.objects.order_by("pk").values_list("what", flat=True))


class TestPutting:
    def test_on_and_off_from_the_page_of_the_conversation(self):
        conversation, client = aged_conversation(), staff(*HOLDER)
        page = client.get(page_of(conversation, "change")).content.decode()
        assert "Put on legal hold" in page
        response = client.post(page_of(conversation, "hold"), {"hold": "yes"}, follow=True)
        assert is_held(conversation)
        assert b"On legal hold: it is not deleted" in response.content
        assert b"Release from legal hold" in response.content
        response = client.post(page_of(conversation, "hold"), {"hold": "no"}, follow=True)
        assert not is_held(conversation)
        assert b"Put on legal hold" in response.content
        assert [what for what in noted() if what != "read"] == ["held", "released"]

    def test_needs_the_permission_and_nothing_else(self):
        conversation = aged_conversation()
        every = Permission.objects.exclude(codename="hold_conversation")
        others = staff(*every.values_list("codename", flat=True))
        assert b"legal hold" not in others.get(page_of(conversation, "change")).content
        assert others.post(page_of(conversation, "hold"), {"hold": "yes"}).status_code == 403
        assert not is_held(conversation)
        lawyer = staff("hold_conversation", "view_conversation")
        response = lawyer.post(page_of(conversation, "hold"), {"hold": "yes"})
        assert response.headers["Location"] == LIST
        assert is_held(conversation)

    def test_is_nothing_for_visitors(self, client):
        me = user_of(client)
        me.user.user_permissions.set(Permission.objects.filter(codename="hold_conversation"))
        conversation = aged_conversation(person=me)
        response = client.post(page_of(conversation, "hold"), {"hold": "yes"})
        assert "/login/" in response.headers["Location"]
        assert not is_held(conversation)

    def test_is_told_to_those_who_read(self):
        conversation = aged_conversation(legal_hold=True)
        page = staff(*READER).get(page_of(conversation, "change")).content.decode()
        assert "Nothing of it is deleted, by nobody." in page
        assert "Release" not in page

    @pytest.mark.parametrize("hold", ["", "maybe", "YES", None])
    def test_is_yes_or_no(self, hold):
        conversation = aged_conversation(legal_hold=True)
        asked = {} if hold is None else {"hold": hold}
        assert staff(*HOLDER).post(page_of(conversation, "hold"), asked).status_code == 400
        assert is_held(conversation)

    def test_of_what_is_not_there_is_told_so(self):
        gone = Conversation(pk="00000000-0000-4000-8000-000000000000")
        for hold in ("yes", "no"):
            response = staff(*HOLDER).post(page_of(gone, "hold"), {"hold": hold})
            assert response.status_code == 404
        assert noted() == []

    def test_is_no_link(self):
        assert staff(*HOLDER).get(page_of(aged_conversation(), "hold")).status_code == 405

    def test_twice_is_noted_once(self):
        conversation, client = aged_conversation(legal_hold=True), staff(*HOLDER)
        client.post(page_of(conversation, "hold"), {"hold": "yes"})
        assert noted() == []
        for _ in range(2):
            client.post(page_of(conversation, "hold"), {"hold": "no"})
        assert noted() == ["released"]

    def test_of_many_at_once_from_the_list(self, monkeypatch):
        monkeypatch.setattr("conversations.retention.hold_views.AT_ONCE", 2)
        person = Person.objects.create()
        conversations = [keep_conversation(person) for _ in range(3)]
        other = keep_conversation(person)
        asked = {
            "action": "hold_selected",
            "_selected_action": [str(conversation.pk) for conversation in conversations],
        }
        assert AT_ONCE > 2
        response = staff(*HOLDER).post(LIST, asked, follow=True)
        assert b"3 conversations are on legal hold." in response.content
        assert [is_held(one) for one in (*conversations, other)] == [True, True, True, False]
        assert noted().count("held") == 3
        staff(*READER).post(LIST, {**asked, "_selected_action": [str(other.pk)]})
        assert not is_held(other)

    def test_narrows_the_list(self):
        held = aged_conversation(legal_hold=True)
        aged_conversation()
        page = staff(*HOLDER).get(LIST, {"kept": "held"})
        assert list(page.context["cl"].result_list) == [held]
        assert not staff(*HOLDER).get(LIST, {"kept": "asked"}).context["cl"].result_list


class TestNobodyDeletesIt:
    @pytest.fixture
    def held(self) -> Conversation:
        return aged_conversation(legal_hold=True)

    @pytest.fixture(autouse=True)
    def stays(self, held):
        keys = [segment.key for segment in segments_of(held)]
        yield
        assert Conversation.objects.filter(pk=held.pk).exists()
        assert held.turns.count() == 2
        assert all(media.storage().exists(key) for key in keys)

    def test_by_the_function(self, held):
        assert delete_conversations(Conversation.objects.all()) == 0

    def test_in_the_admin(self, held, admin_client):
        for asked in ({}, {"post": "yes"}):
            page = admin_client.post(page_of(held, "delete"), asked).content.decode()
            assert f"{str(held.pk)[:8]} (on legal hold: release it first)" in page
        assert not LogEntry.objects.exists()

    def test_in_the_admin_among_others(self, held, admin_client):
        free = aged_conversation()
        asked = {
            "action": "delete_selected",
            "_selected_action": [str(held.pk), str(free.pk)],
            "post": "yes",
        }
        page = admin_client.post(LIST, asked).content.decode()
        assert f"{str(held.pk)[:8]} (on legal hold: release it first)" in page
        assert Conversation.objects.filter(pk=free.pk).exists()

    def test_in_the_admin_when_it_is_held_just_then(self, held, admin_client, monkeypatch):
        really = "conversations.admin.ConversationAdmin.get_deleted_objects"
        monkeypatch.setattr(really, lambda self, objs, request: ([], {}, set(), []))
        response = admin_client.post(page_of(held, "delete"), {"post": "yes"})
        assert response.status_code == 403
        assert not LogEntry.objects.exists()

    @pytest.mark.parametrize("model", ["person", "user"])
    def test_along_with_its(self, held, model, admin_client):
        ann = User.objects.create_user("ann")
        Person.objects.filter(pk=held.person_id).update(user=ann)
        pk = ann.pk if model == "user" else held.person_id
        page = f"/admin/accounts/{model}/{pk}/delete/"
        for response in (admin_client.get(page), admin_client.post(page, {"post": "yes"})):
            assert b"1 conversation on legal hold" in response.content
            assert WORD.encode() not in response.content

    def test_in_code(self, held):
        with pytest.raises(ProtectedError):
            held.person.delete()

    @pytest.mark.parametrize("who", ["guest", "user"])
    def test_by_the_person_who_is_told_why_and_may_ask(self, held, client, who):
        me = guest_of(client) if who == "guest" else user_of(client)
        Conversation.objects.update(person=me)
        page = f"/conversations/{held.pk}/delete/"
        asked = client.get(page).content.decode()
        assert "has to be kept for legal reasons" in asked
        assert "Delete for good" not in asked
        refused = client.post(page)
        assert refused.status_code == 409
        assert b"You have asked for it to be deleted" in refused.content
        held.refresh_from_db()
        assert held.erasure_asked_at is not None
        assert b"kept for legal reasons" in client.get("/conversations/").content


class TestWhatThePersonAskedFor:
    def test_is_done_with_the_release(self, client, django_capture_on_commit_callbacks):
        conversation = aged_conversation(person=guest_of(client), legal_hold=True)
        keys = [segment.key for segment in segments_of(conversation)]
        client.post(f"/conversations/{conversation.pk}/delete/")
        holder = staff(*HOLDER)
        page = holder.get(page_of(conversation, "change")).content
        assert b"Release from legal hold and delete" in page
        with django_capture_on_commit_callbacks(execute=True):
            response = holder.post(page_of(conversation, "hold"), {"hold": "no"})
        assert response.headers["Location"] == LIST
        assert not Conversation.objects.exists()
        assert not any(media.storage().exists(key) for key in keys)
        assert [what for what in noted() if what != "read"] == ["released", "deleted"]


def test_the_log_of_the_admin_names_no_title(admin_client):
    conversation = aged_conversation()
    admin_client.post(page_of(conversation, "delete"), {"post": "yes"})
    assert not Conversation.objects.exists()
    assert LogEntry.objects.get().object_repr == str(conversation.pk)[:8]


def test_deleting_a_person_names_no_title(admin_client):
    conversation = aged_conversation()
    page = f"/admin/accounts/person/{conversation.person_id}/delete/"
    asked = admin_client.get(page).content
    assert WORD.encode() not in asked
    assert b"Turns: 2" in asked
    admin_client.post(page, {"post": "yes"})
    assert not Conversation.objects.exists()
