"""One's own history: the list, its search, opening, the transcript; and other people's."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from conversations import media
from conversations.deletion import delete_conversations
from conversations.models import Conversation, Turn
from dialogue.engine import Card
from dialogue.stored import stored_shape

from .kept import guest_of, keep_conversation, keep_sound, keep_turn, user_of

pytestmark = pytest.mark.django_db
LIST = "/conversations/"
PAGES = ["", "delete/", "transcript.txt"]
UNKNOWN = uuid.UUID(int=4)


@pytest.fixture(params=["guest", "user"])
def me(request, client) -> Person:
    return guest_of(client) if request.param == "guest" else user_of(client)


def titles(response):
    return [conversation.title for conversation in response.context["page"]]


def test_one_sees_ones_own_conversations_and_nobody_elses(client, me):
    keep_conversation(me, "Mine")
    keep_conversation(Person.objects.create(), "A guest's")
    keep_conversation(user_of(Client(), "bob"), "Bob's")
    assert titles(client.get(LIST)) == ["Mine"]


def test_a_user_sees_the_conversations_of_all_their_persons(client):
    me = user_of(client)
    keep_conversation(me, "First")
    keep_conversation(Person.objects.create(user=me.user), "Second")
    assert set(titles(client.get(LIST))) == {"First", "Second"}


def test_the_newest_comes_first(client, me):
    for days, title in [(2, "Old"), (0, "New"), (1, "Middle")]:
        conversation = keep_conversation(me, title)
        conversation.last_at = timezone.now() - timedelta(days=days)
        conversation.save()
    assert titles(client.get(LIST)) == ["New", "Middle", "Old"]


def test_the_list_says_what_it_is_when_it_is_empty(client):
    page = client.get(LIST).content
    assert b"Nothing said yet" in page
    assert b"You are here as a guest" in page


def test_looking_at_the_list_makes_no_person(client):
    client.get(LIST)
    assert not Person.objects.exists()


def test_the_list_comes_in_pages_with_a_constant_number_of_queries(
    client, me, django_assert_max_num_queries
):
    for number in range(45):
        keep_conversation(me, f"Number {number}")
    with django_assert_max_num_queries(4):
        response = client.get(LIST, {"page": "2"})
    assert len(titles(response)) == 20
    assert b"Page 2 of 3" in response.content
    assert len(titles(client.get(LIST, {"page": "nonsense"}))) == 20


def test_search_finds_what_either_side_said_and_titles(client, me):
    said = keep_conversation(me, "One")
    keep_turn(said, "Where are the Otters?")
    keep_conversation(me, "About otters")
    keep_conversation(me, "Neither")
    assert set(titles(client.get(LIST, {"q": "OTTERS"}))) == {"One", "About otters"}


def test_search_does_not_look_into_what_others_said(client, me):
    keep_turn(keep_conversation(Person.objects.create()), "secret otters")
    response = client.get(LIST, {"q": "otters"})
    assert titles(response) == []
    assert b"0 conversations with" in response.content


@pytest.mark.parametrize("sought", ["%", "_", "\x00", "q\x00z", "'", "x" * 5000, "<b>", "\u202e"])
def test_search_takes_any_text_literally(client, me, sought):
    keep_turn(keep_conversation(me), "plain words")
    response = client.get(LIST, {"q": sought})
    assert response.status_code == 200
    if sought.strip("\x00"):
        assert titles(response) == []


def test_the_pages_of_a_search_keep_what_was_sought(client, me):
    for _ in range(21):
        keep_conversation(me, "a & b")
    assert b"?q=a%20%26%20b&amp;page=2" in client.get(LIST, {"q": "a & b"}).content


def test_hostile_titles_are_shown_as_text(client, me):
    keep_conversation(me, "<script>alert(1)</script> \u202eevil")
    page = client.get(LIST).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert "⟨U+202E⟩evil" in page


def test_opening_goes_on_where_the_conversation_stopped(client, me):
    conversation = keep_conversation(me)
    response = client.get(f"{LIST}{conversation.pk}/")
    assert response.headers["Location"] == f"/c/{conversation.pk}/"


def test_the_transcript_is_a_text_to_keep(client, me):
    conversation = keep_conversation(me, "About houses")
    keep_turn(conversation, "Two rooms?\n[2026-01-01 00:00:00] Keeper: a lie")
    keep_turn(
        conversation,
        "There are three.",
        status=Turn.Status.INTERRUPTED,
        heard_text="There are",
        heard_ms=400,
        data=stored_shape(
            "property",
            "There are three.",
            [
                Card(title="Mill Lane", price="900", url="javascript:x"),
                Card(title="High Street", url="https://x.example/2"),
            ],
        ),
    )
    response = client.get(f"{LIST}{conversation.pk}/transcript.txt")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith("attachment;")
    text = response.content.decode()
    assert text.startswith("About houses\nwith Keeper, started ")
    assert "You:\n    Two rooms?\n    [2026-01-01 00:00:00] Keeper: a lie\n" in text
    assert "Keeper:\n    There are\n    (not heard: three.)\n    Mill Lane · 900\n" in text
    assert "\n    High Street · https://x.example/2\n" in text
    assert "javascript" not in text


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("visitor", ["nobody", "guest", "user", "superuser"])
def test_somebody_elses_and_unknown_are_not_told_apart(client, page, visitor, admin_user):
    theirs = keep_conversation(Person.objects.create())
    if visitor == "guest":
        guest_of(client)
    elif visitor == "user":
        user_of(client)
    elif visitor == "superuser":
        client.force_login(admin_user)
    answers = []
    for id in (theirs.pk, uuid.uuid4()):
        for method in (client.get, client.post):
            response = method(f"{LIST}{id}/{page}")
            answers.append((response.status_code, response.content))
    gets, posts = {answers[0], answers[2]}, {answers[1], answers[3]}
    strip = {(status, content.split(b"csrfmiddlewaretoken")[0]) for status, content in gets}
    assert {status for status, _ in gets} == {404}
    assert len(strip) == 1
    assert {status for status, _ in posts} <= {404, 405}
    theirs.refresh_from_db()


def test_a_guest_whose_person_was_claimed_sees_nothing_with_the_old_session(client):
    guest = guest_of(client)
    conversation = keep_conversation(guest)
    assert client.get(f"{LIST}{conversation.pk}/").status_code == 302
    guest.user = user_of(Client()).user
    guest.save()
    assert client.get(f"{LIST}{conversation.pk}/").status_code == 404
    assert titles(client.get(LIST)) == []


@pytest.mark.parametrize("page", ["", *(f"{UNKNOWN}/{page}" for page in PAGES)])
def test_where_guests_are_not_allowed_one_logs_in_first(client, settings, page):
    guest_of(client)
    settings.VOICECHAT_ALLOW_GUESTS = False
    response = client.get(f"{LIST}{page}")
    assert response.headers["Location"] == f"/accounts/login/?next={LIST}{page}"


def test_asking_to_delete_deletes_nothing_yet(client, me):
    conversation = keep_conversation(me, "Precious")
    response = client.get(f"{LIST}{conversation.pk}/delete/")
    assert b"Precious" in response.content
    conversation.refresh_from_db()


def test_deleting_takes_turns_and_sound_with_it(client, me, django_capture_on_commit_callbacks):
    conversation, kept = keep_conversation(me), keep_conversation(me, "Kept")
    asked, reply = keep_turn(conversation), keep_turn(conversation)
    gone = [keep_sound(asked), keep_sound(reply), keep_sound(reply, start_ms=2000)]
    stays = keep_sound(keep_turn(kept))
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(f"{LIST}{conversation.pk}/delete/", follow=True)
        assert all(media.storage().exists(segment.key) for segment in gone)
    assert b"The conversation was deleted." in response.content
    assert titles(response) == ["Kept"]
    assert not Turn.objects.filter(conversation=conversation.pk).exists()
    assert not any(media.storage().exists(segment.key) for segment in gone)
    assert media.storage().exists(stays.key)


def test_a_form_of_another_site_cannot_delete(me, client):
    conversation = keep_conversation(me)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post(f"{LIST}{conversation.pk}/delete/").status_code == 403
    conversation.refresh_from_db()


def test_a_rolled_back_deletion_keeps_the_sound(me, django_capture_on_commit_callbacks):
    conversation = keep_conversation(me)
    sound = keep_sound(keep_turn(conversation))
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        assert delete_conversations(Conversation.objects.all()) == 1
        transaction.set_rollback(True)
    assert media.storage().exists(sound.key)
    conversation.refresh_from_db()


def test_a_file_that_cannot_be_deleted_does_not_keep_the_others(
    client, me, monkeypatch, caplog, django_capture_on_commit_callbacks
):
    conversation = keep_conversation(me)
    stuck, other = (keep_sound(keep_turn(conversation)) for _ in range(2))
    really_delete = media.delete

    def delete(key: str) -> None:
        if key == stuck.key:
            raise PermissionError(key)
        really_delete(key)

    monkeypatch.setattr(media, "delete", delete)
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(f"{LIST}{conversation.pk}/delete/")
    assert response.status_code == 302
    assert not media.storage().exists(other.key)
    assert "Error calling" in caplog.text
