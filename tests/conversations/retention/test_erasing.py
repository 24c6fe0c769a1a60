"""Everything of a person goes: by themselves, and by the operator."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Person, User
from chat.sharing import topic
from conversations import media
from conversations.models import AudioSegment, Conversation, Turn
from conversations.retention import erasing, scrubbing
from conversations.search import search
from feed.hub import Hub

from ..kept import guest_of, keep_conversation, user_of
from .aged import WORD, aged_conversation, segments_of, turns_of

pytestmark = pytest.mark.django_db
PAGE = "/conversations/delete/"


@pytest.fixture(params=["guest", "user"])
def me(request, client) -> Person:
    return guest_of(client) if request.param == "guest" else user_of(client)


@pytest.fixture(autouse=True)
def scrubbed(monkeypatch) -> list[str]:
    """Scrubbing is not for the inside of a transaction, in which tests are: ``test_scan.py`` does it."""
    done: list[str] = []
    monkeypatch.setattr(scrubbing, "scrub", lambda: done.append("scrub"))
    monkeypatch.setattr(scrubbing, "rewrite", lambda: done.append("rewrite"))
    return done


class TestOwnPage:
    def test_asks_first_and_says_what_goes(self, client, me):
        aged_conversation(person=me)
        aged_conversation(person=me, legal_hold=True)
        assert PAGE.encode() in client.get("/conversations/").content
        page = client.get(PAGE).content.decode()
        assert "1 conversation with 2 turns, since" in page
        assert "1 conversation has to be kept for legal reasons" in page
        assert ("Your account stays." in page) == (me.user is not None)
        assert Conversation.objects.count() == 2

    def test_deletes_all_of_ones_own_and_nothing_else(
        self, client, me, django_capture_on_commit_callbacks
    ):
        mine = [aged_conversation(person=me) for _ in range(erasing.BATCH + 1)]
        theirs = aged_conversation()
        keys = [segment.key for one in mine for segment in segments_of(one)]
        with django_capture_on_commit_callbacks(execute=True):
            response = client.post(PAGE, follow=True)
        assert b"21 conversations were deleted." in response.content
        assert b"Nothing said yet" in response.content
        assert list(Conversation.objects.all()) == [theirs]
        assert {hit.turn.conversation_id for hit in search(WORD).hits} == {theirs.pk}
        assert not any(media.storage().exists(key) for key in keys)
        assert all(media.storage().exists(segment.key) for segment in segments_of(theirs))
        assert Person.objects.filter(pk=me.pk).exists()

    def test_takes_all_persons_of_a_user(self, client):
        me = user_of(client)
        aged_conversation(person=me)
        aged_conversation(person=Person.objects.create(user=me.user))
        client.post(PAGE)
        assert not Conversation.objects.exists()
        assert client.get("/accounts/logout/").status_code == 200  # still somebody

    def test_leaves_what_is_on_legal_hold_and_says_so(self, client, me):
        aged_conversation(person=me)
        held = aged_conversation(person=me, legal_hold=True)
        response = client.post(PAGE, follow=True)
        assert b"1 conversation was deleted." in response.content
        assert b"has to be kept for legal reasons. It is deleted when" in response.content
        assert list(Conversation.objects.all()) == [held]
        held.refresh_from_db()
        assert held.erasure_asked_at is not None

    def test_is_nothing_to_ask_where_there_is_nothing(self, client, me):
        response = client.get(PAGE, follow=True)
        assert response.redirect_chain == [("/conversations/", 302)]
        assert b"There is nothing to delete." in response.content

    @pytest.mark.parametrize("visitor", ["nobody", "guest", "user", "superuser"])
    def test_is_of_nobody_elses(self, client, visitor, admin_user):
        theirs = aged_conversation()
        if visitor == "guest":
            guest_of(client)
        elif visitor == "user":
            user_of(client)
        elif visitor == "superuser":
            client.force_login(admin_user)
        assert client.get(PAGE).headers["Location"] == "/conversations/"
        client.post(PAGE)
        assert len(turns_of(theirs)) == 2

    def test_a_guest_that_a_user_has_become_deletes_nothing_of_the_users(self, client):
        guest = guest_of(client)
        aged_conversation(person=guest)
        guest.user = user_of(Client()).user
        guest.save()
        client.post(PAGE)
        assert Conversation.objects.exists()

    def test_no_other_site_can_ask_for_it(self, client, me):
        aged_conversation(person=me)
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = client.cookies
        assert strict.post(PAGE).status_code == 403
        assert Conversation.objects.exists()

    def test_where_guests_are_not_allowed_one_logs_in_first(self, client, settings):
        aged_conversation(person=guest_of(client))
        settings.VOICECHAT_ALLOW_GUESTS = False
        response = client.post(PAGE)
        assert response.headers["Location"] == f"/accounts/login/?next={PAGE}"
        assert Conversation.objects.exists()

    def test_ends_calls_that_go_on(
        self, client, me, monkeypatch, django_capture_on_commit_callbacks
    ):
        told: list[tuple[str, dict[str, Any]]] = []

        async def publish(self: Hub, topic: str, event: dict[str, Any]) -> None:
            told.append((topic, event))

        monkeypatch.setattr(Hub, "publish", publish)
        conversation = aged_conversation(person=me)
        with django_capture_on_commit_callbacks(execute=True):
            client.post(PAGE)
        assert told == [(topic(str(conversation.pk)), {"do": "deleted", "origin": ""})]


def test_sound_that_waits_in_the_spool_goes_too(
    settings, tmp_path, django_capture_on_commit_callbacks
):
    settings.VOICECHAT_DATA_DIR = tmp_path
    spool = tmp_path / "spool"
    spool.mkdir()
    gone, stays = (turns_of(aged_conversation())[0] for _ in range(2))
    files = [spool / f"{turn.pk}.bot-0.wav" for turn in (gone, stays)]
    strange = [spool / "notes.txt", spool / "some.turn-0.wav"]
    for file in (*files, *strange):
        file.write_bytes(b"sound")
    with django_capture_on_commit_callbacks(execute=True):
        erasing.erase(Conversation.objects.filter(pk=gone.conversation_id))
    assert [file.exists() for file in (*files, *strange)] == [False, True, True, True]


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("erase_person", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


class TestCommand:
    @pytest.fixture
    def ann(self) -> Person:
        return Person.objects.create(user=User.objects.create_user("ann"))

    def test_erases_a_user_by_name_and_leaves_the_account(
        self, ann, scrubbed, django_capture_on_commit_callbacks
    ):
        aged_conversation(person=ann)
        aged_conversation(person=Person.objects.create(user=ann.user))
        theirs = aged_conversation()
        with django_capture_on_commit_callbacks(execute=True):
            assert run("ann", "--yes") == "Deleted 2 conversations of ann.\n"
        assert list(Conversation.objects.all()) == [theirs]
        assert AudioSegment.objects.count() == 2
        assert User.objects.filter(username="ann").exists()
        assert ann.user.persons.count() == 2
        assert scrubbed == ["scrub"]

    def test_erases_a_guest_with_their_person(self, scrubbed):
        guest = aged_conversation().person
        run(str(guest.pk), "--yes", "--vacuum")
        assert not Turn.objects.exists()
        assert not Person.objects.filter(pk=guest.pk).exists()
        assert scrubbed == ["rewrite"]

    def test_keeps_a_guest_of_whom_something_is_held(self):
        held = aged_conversation(legal_hold=True)
        aged_conversation(person=held.person)
        told = run(str(held.person_id), "--yes")
        assert told == (
            f"Deleted 1 conversation of {held.person_id}. "
            "1 conversation on legal hold: deleted when that ends.\n"
        )
        held.refresh_from_db()
        assert held.erasure_asked_at is not None

    def test_a_dry_run_deletes_nothing(self, ann, scrubbed):
        aged_conversation(person=ann)
        aged_conversation(person=ann, legal_hold=True)
        assert run("ann", "--dry-run") == ("Would delete 1 conversation of ann; 1 on legal hold.\n")
        assert Conversation.objects.filter(erasure_asked_at=None).count() == 2
        assert scrubbed == []

    @pytest.mark.parametrize("answer", ["", "y", "YES", "no"])
    def test_asks_first(self, ann, monkeypatch, answer):
        aged_conversation(person=ann)
        monkeypatch.setattr("builtins.input", lambda: answer)
        with pytest.raises(CommandError, match="Nothing was deleted"):
            run("ann")
        assert Conversation.objects.exists()
        monkeypatch.setattr("builtins.input", lambda: "yes")
        run("ann")
        assert not Conversation.objects.exists()

    def test_where_nobody_can_be_asked_it_wants_a_yes(self, ann, monkeypatch):
        def nobody() -> str:
            raise EOFError

        aged_conversation(person=ann)
        monkeypatch.setattr("builtins.input", nobody)
        with pytest.raises(CommandError, match="add --yes"):
            run("ann")
        assert Conversation.objects.exists()

    @pytest.mark.parametrize(
        "who", ["", "bob", "not-a-uuid", "a" * 500, "\x01", "5f0c1d3a-2f52-4d26-9c7e-0a8d5f3b1c44"]
    )
    def test_nobody_of_that_name_is_an_error(self, ann, who):
        with pytest.raises(CommandError, match="There is nobody called"):
            run(who, "--yes")

    def test_stops_between_two_batches(self, ann, monkeypatch):
        for _ in range(3):
            keep_conversation(ann)
        monkeypatch.setattr(erasing, "BATCH", 1)
        erased = erasing.erase(Conversation.objects.all(), lambda _count: False)
        assert (erased.gone, Conversation.objects.count()) == (1, 2)


def test_staff_need_no_more_than_they_have_to_delete_their_own(client):
    """Deleting what others said is a permission; one's own is not."""
    me = user_of(client)
    me.user.is_staff = True
    me.user.save()
    assert not Permission.objects.filter(user=me.user).exists()
    aged_conversation(person=me)
    client.post(PAGE)
    assert not Conversation.objects.exists()
