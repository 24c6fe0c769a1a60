"""Everybody exports what is their own, and nothing else."""

from __future__ import annotations

import json

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from accounts.models import Person, User
from conversations import media
from conversations.export import views
from conversations.export.streaming import Places
from conversations.models import Access, AudioSegment

from ..kept import guest_of, keep_conversation, user_of
from .recorded import body_of, folder, keep_two_calls, opened

pytestmark = pytest.mark.django_db(transaction=True)
EXPORT = "/conversations/export/"


@pytest.fixture
def client() -> AsyncClient:
    return AsyncClient()


@pytest.fixture(params=["guest", "user"])
def me(request, client) -> Person:
    return guest_of(client) if request.param == "guest" else user_of(client)


def get(client: AsyncClient, method: str = "get"):
    response = async_to_sync(getattr(client, method))(EXPORT)
    return response, body_of(response)


def test_everything_of_mine_comes_and_nothing_of_others(client, me):
    mine = keep_two_calls(me)
    theirs = keep_two_calls(Person.objects.create())
    keep_two_calls(Person.objects.create(user=User.objects.create_user("bob")))
    response, body = get(client)
    assert response.headers["Content-Type"] == "application/zip"
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert "no-store" in response.headers["Cache-Control"]
    archive = opened(body)
    assert {name.rpartition("/conv")[0] for name in archive.namelist()}
    assert all(
        name.startswith(folder(mine)) or name == "manifest.json" for name in archive.namelist()
    )
    assert str(theirs.pk) not in body.decode("latin-1")
    document = json.loads(archive.read(folder(mine) + "conversation.json"))
    sounds = [sound for turn in document["turns"] for sound in turn["segments"]]
    assert len(sounds) == 3
    for sound in sounds:
        kept = AudioSegment.objects.get(pk=sound["id"])
        with media.storage().open(kept.key) as file:
            assert archive.read(folder(mine) + sound["file"]) == file.read()


def test_what_reviewers_noted_is_not_told(client, me):
    mine = keep_two_calls(me)
    mine.note, mine.grade = "What a person", 1
    mine.save()
    mine.tags.create(name="difficult")
    archive = opened(get(client)[1])
    document = archive.read(folder(mine) + "conversation.json").decode()
    assert json.loads(document)["review"] is None
    assert "What a person" not in document
    assert "difficult" not in document
    assert not Access.objects.exists()  # one's own is nobody's business


def test_a_user_gets_the_conversations_of_all_their_persons(client):
    me = user_of(client)
    both = [keep_conversation(me), keep_conversation(Person.objects.create(user=me.user))]
    names = opened(get(client)[1]).namelist()
    assert {folder(one) + "conversation.json" for one in both} <= set(names)


def test_staff_get_their_own_here_and_no_more(client, admin_user):
    keep_two_calls(Person.objects.create())
    client.force_login(admin_user)
    assert get(client)[0].headers["Location"] == "/conversations/"


def test_who_has_said_nothing_is_sent_to_the_empty_list(client):
    assert get(client)[0].headers["Location"] == "/conversations/"


def test_where_guests_are_not_allowed_one_logs_in_first(client, settings):
    keep_two_calls(guest_of(client))
    settings.VOICECHAT_ALLOW_GUESTS = False
    assert get(client)[0].headers["Location"] == f"/accounts/login/?next={EXPORT}"


@pytest.mark.parametrize("method", ["post", "head", "put"])
def test_only_get_exports(client, me, method):
    assert get(client, method)[0].status_code == 405


def test_one_export_at_a_time_for_each(client, me, monkeypatch):
    keep_two_calls(me)
    places = Places(of_all=9, of_one=1)
    monkeypatch.setattr(views, "PERSONS", places)
    response = async_to_sync(client.get)(EXPORT)

    async def while_it_is_sent():
        pieces = response.streaming_content
        await anext(pieces)
        return await client.get(EXPORT)

    assert async_to_sync(while_it_is_sent)().status_code == 503
    response.close()


def test_the_list_links_to_it_when_there_is_something():
    browser = Client()
    person = guest_of(browser)
    assert EXPORT.encode() not in browser.get("/conversations/").content
    keep_conversation(person)
    assert EXPORT.encode() in browser.get("/conversations/").content
