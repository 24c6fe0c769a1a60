"""Who of the staff read, heard, took away or changed what."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command
from django.core.signals import request_finished
from django.db import DatabaseError, close_old_connections, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Person, User
from conversations import access_log, media
from conversations.models import Access, AudioSegment, Conversation, NeverChangedError

from .kept import keep_conversation, keep_sound, keep_turn, user_of
from .labels.labelling import corrected, correction_page, filled_in, labels_page
from .test_admin import LIST, page_of, staff
from .test_audio import SigningStore

pytestmark = pytest.mark.django_db
LOG = "/admin/conversations/access/"
ALL = (
    "view_conversation",
    "read_transcript",
    "hear_audio",
    "label_conversation",
    "export_conversation",
    "delete_conversation",
)


@pytest.fixture
def conversation() -> Conversation:
    conversation = keep_conversation(Person.objects.create(), "About houses")
    keep_sound(keep_turn(conversation, "Are there houses?"))
    return conversation


@pytest.fixture
def reviewer() -> Client:
    return staff(*ALL)


def entries():
    """The log, the oldest first."""
    return [
        (entry.what, entry.conversation_id, entry.turn_id)
        for entry in Access.objects.order_by("pk")
    ]


def leave(response):
    """Read nothing of it, as the test client does when it has read all."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


def sound_of(conversation):
    segment = AudioSegment.objects.get(turn__conversation=conversation)
    return f"/conversations/{conversation.pk}/audio/{segment.pk}"


class TestWhatIsInIt:
    def test_each_page_of_a_transcript_that_is_read(self, reviewer, conversation):
        before = timezone.now()
        reviewer.get(page_of(conversation))
        entry = Access.objects.get()
        assert entries() == [("read", conversation.pk, None)]
        assert entry.user == User.objects.get(username=entry.username)
        assert before <= entry.at <= timezone.now()
        reviewer.get(page_of(conversation), {"turns": 1})
        assert len(entries()) == 2

    def test_not_the_list_nor_what_was_refused(self, reviewer, conversation):
        reviewer.get(LIST)
        reviewer.get(f"{LIST}{uuid.uuid4()}/change/")
        staff("view_conversation").get(page_of(conversation))
        Client().get(page_of(conversation))
        assert entries() == []

    def test_that_somebody_searched_and_no_words(self, reviewer, conversation):
        reviewer.get(LIST, {"q": "houses"})
        reviewer.get(f"{LIST}search/", {"q": "houses"})
        reviewer.get(f"{LIST}search/")
        reviewer.get(LIST, {"q": "  "})
        reviewer.post(f"{LIST}?q=houses")
        assert entries() == [("searched", None, None)] * 3
        assert not Access.objects.filter(detail__contains="house").exists()

    def test_what_is_exported(self, reviewer, conversation):
        path = f"{LIST}{conversation.pk}/export/"
        for chosen in ("json", "zip"):
            leave(reviewer.get(path, {"format": chosen}))
        leave(reviewer.get(path, {"format": "zip", "sound": "1"}))
        assert reviewer.get(path, {"format": "nonsense"}).status_code == 400
        assert entries() == [("exported", conversation.pk, None)] * 3
        details = Access.objects.order_by("pk").values_list("detail", flat=True)
        assert list(details) == ["json", "zip", "zip with sound"]

    def test_what_is_labelled_and_not_how(self, reviewer, conversation):
        turn = conversation.turns.get()
        reviewer.post(labels_page(conversation), filled_in(conversation, note="Secret", grade="1"))
        reviewer.post(correction_page(turn), corrected(turn, "Secret"))
        assert entries() == [
            ("labelled", conversation.pk, None),
            ("labelled", conversation.pk, turn.pk),
        ]
        assert [entry.detail for entry in Access.objects.order_by("pk")] == [
            "grade, note",
            "correction",
        ]

    def test_a_turn_that_is_read_to_be_corrected(self, reviewer, conversation):
        turn = conversation.turns.get()
        reviewer.get(correction_page(turn))
        assert entries() == [("read", conversation.pk, turn.pk)]

    @pytest.mark.parametrize("way", ["page", "action"])
    def test_what_is_deleted_and_the_entry_outlives_it(self, reviewer, conversation, way):
        if way == "page":
            reviewer.post(f"{LIST}{conversation.pk}/delete/", {"post": "yes"})
        else:
            chosen = {"action": "delete_selected", "_selected_action": [str(conversation.pk)]}
            reviewer.post(LIST, {**chosen, "post": "yes"})
        assert not Conversation.objects.exists()
        assert ("deleted", conversation.pk, None) in entries()

    def test_a_search_whose_hits_are_gone_through(self, admin_client, conversation):
        admin_client.get(f"{LIST}next/", {"_changelist_filters": "q=houses"})
        assert ("searched", None, None) in entries()

    @pytest.mark.parametrize("whose", ["accounts/user", "accounts/person"])
    @pytest.mark.parametrize("way", ["page", "action"])
    def test_what_goes_with_its_user_or_person(self, admin_client, conversation, whose, way):
        person = conversation.person
        if person.user is None:
            person.user = User.objects.create_user("goes")
            person.save()
        pk = person.user.pk if whose.endswith("user") else person.pk
        if way == "page":
            admin_client.post(f"/admin/{whose}/{pk}/delete/", {"post": "yes"})
        else:
            chosen = {"action": "delete_selected", "_selected_action": [str(pk)], "post": "yes"}
            admin_client.post(f"/admin/{whose}/", chosen)
        assert not Conversation.objects.exists()
        assert entries() == [("deleted", conversation.pk, None)]


class TestHearing:
    def test_is_one_entry_for_one_play_in_ranges(self, reviewer, conversation):
        turn = conversation.turns.get()
        for asked in ("bytes=0-", "bytes=4-", "bytes=0-3"):
            leave(reviewer.get(sound_of(conversation), headers={"Range": asked}))
        assert entries() == [("heard", conversation.pk, turn.pk)]

    def test_is_another_one_later(self, reviewer, conversation):
        leave(reviewer.get(sound_of(conversation)))
        long_ago = timezone.now() - timedelta(minutes=2)
        Access._base_manager.update(at=long_ago)
        leave(reviewer.get(sound_of(conversation)))
        assert len(entries()) == 2

    def test_is_another_one_by_somebody_else(self, reviewer, conversation):
        for client in (reviewer, staff(*ALL)):
            leave(client.get(sound_of(conversation)))
        assert len(entries()) == 2

    def test_from_the_middle_is_noted_as_well(self, reviewer, conversation):
        leave(reviewer.get(sound_of(conversation), headers={"Range": "bytes=5-"}))
        assert len(entries()) == 1

    def test_what_the_browser_has_already_is_noted_as_well(self, reviewer, conversation):
        known = reviewer.get(sound_of(conversation))
        leave(known)
        Access._base_manager.all().delete()
        etag = {"If-None-Match": known.headers["ETag"]}
        assert reviewer.get(sound_of(conversation), headers=etag).status_code == 304
        assert len(entries()) == 1

    def test_of_ones_own_is_nobodys_business(self, conversation):
        client = Client()
        own = keep_conversation(user_of(client, "owner"))
        keep_sound(keep_turn(own))
        leave(client.get(sound_of(own)))
        User.objects.update(is_staff=True, is_superuser=True)
        leave(client.get(sound_of(own)))
        assert entries() == []

    def test_asks_for_no_sound_with_head(self, reviewer, conversation):
        leave(reviewer.head(sound_of(conversation)))
        assert entries() == []

    def test_is_noted_for_an_address_where_it_can_be_heard_even_without_its_body(
        self, reviewer, conversation, monkeypatch
    ):
        monkeypatch.setattr(media, "storage", SigningStore)
        response = reviewer.head(sound_of(conversation))
        assert response.status_code == 302
        assert [what for what, *_ in entries()] == ["heard"]


class TestAFailedWrite:
    @pytest.fixture(autouse=True)
    def broken(self, reviewer, conversation, monkeypatch):
        def fail(*args, **how):
            raise DatabaseError("disk full")

        monkeypatch.setattr(Access, "save", fail)

    @pytest.mark.parametrize("what", ["page", "search", "sound", "export"])
    def test_refuses_the_read(self, reviewer, conversation, what):
        path = {
            "page": page_of(conversation),
            "search": f"{LIST}search/?q=houses",
            "sound": sound_of(conversation),
            "export": f"{LIST}{conversation.pk}/export/?format=json",
        }[what]
        reviewer.raise_request_exception = False
        response = reviewer.get(path)
        assert response.status_code == 500
        assert b"houses" not in b"".join(response)

    def test_labels_nothing(self, reviewer, conversation):
        reviewer.raise_request_exception = False
        sent = filled_in(conversation, note="x", new_tags="y")
        assert reviewer.post(labels_page(conversation), sent).status_code == 500
        conversation.refresh_from_db()
        assert conversation.note == ""
        assert not conversation.tags.exists()


class TestItOnlyGrows:
    @pytest.fixture
    def entry(self, conversation):
        access_log.note(User.objects.create_user("ann"), Access.What.READ, conversation.pk)
        return Access.objects.get()

    def test_no_entry_is_changed(self, entry):
        entry.what = Access.What.HEARD
        for change in (
            entry.save,
            entry.delete,
            Access.objects.all().delete,
            lambda: Access.objects.update(username="bea"),
            lambda: Access.objects.bulk_update([entry], ["what"]),
            lambda: Access.objects.update_or_create(pk=entry.pk, defaults={"username": "bea"}),
        ):
            with pytest.raises(NeverChangedError), transaction.atomic():
                change()
        kept = Access.objects.get()
        assert (kept.what, kept.username) == ("read", "ann")

    def test_a_deleted_user_is_still_known_by_name(self, entry):
        entry.user.delete()
        kept = Access.objects.get()
        assert (kept.user, kept.username) == (None, "ann")

    def test_nobody_in_particular_writes_none(self):
        for nobody in (None, AnonymousUser()):
            with pytest.raises(TypeError):
                access_log.note(nobody, Access.What.READ)

    def test_many_are_written_in_few_statements(self, django_assert_max_num_queries):
        ann = User.objects.create_user("ann")
        with django_assert_max_num_queries(20):  # SQLite takes few values at once
            access_log.note_each(ann, Access.What.EXPORTED, (uuid.uuid4() for _ in range(1500)))
        assert Access.objects.count() == 1500

    @pytest.mark.django_db(transaction=True)
    def test_tests_may_empty_the_database(self, entry):
        call_command("flush", interactive=False, verbosity=0)
        assert not Access.objects.exists()


class TestReadingIt:
    @pytest.fixture
    def reader(self) -> Client:
        return staff("view_access")

    @pytest.fixture(autouse=True)
    def kept(self, conversation):
        ann, bea = (User.objects.create_user(name, is_staff=True) for name in ("ann", "bea"))
        turn = conversation.turns.get()
        access_log.note(ann, Access.What.READ, conversation.pk)
        access_log.note(bea, Access.What.HEARD, conversation.pk, turn.pk)
        access_log.note(bea, Access.What.READ, uuid.uuid4())
        access_log.note(bea, Access.What.SEARCHED)

    def test_is_for_those_who_may(self, reader):
        assert reader.get(LOG).status_code == 200
        assert staff(*ALL).get(LOG).status_code == 403
        assert Client().get(LOG).status_code == 302
        client = Client()
        user_of(client, "nobody")
        assert client.get(LOG).status_code == 302

    @pytest.mark.parametrize(
        ("asked", "count"),
        [
            ({}, 4),
            ({"what__exact": "read"}, 2),
            ({"q": "ann"}, 1),
            ({"q": "conversation"}, 2),
            ({"q": "turn"}, 1),
            ({"q": "nobody"}, 0),
            ({"user": "bea"}, 3),
            ({"user": "99999"}, 0),
            ({"user": "nonsense"}, 0),
            ({"at__year": "1999"}, 0),
        ],
    )
    def test_finds_who_did_what_to_which(self, reader, conversation, asked, count):
        named = {"conversation": str(conversation.pk), "turn": str(conversation.turns.get().pk)}
        if "q" in asked:
            asked = {"q": named.get(asked["q"], asked["q"])}
        if asked.get("user") == "bea":
            asked = {"user": str(User.objects.get(username="bea").pk)}
        page = reader.get(LOG, asked)
        assert len(page.context["cl"].result_list) == count

    def test_changes_nothing_not_even_for_superusers(self, admin_client):
        entry = Access.objects.first()
        assert admin_client.get(f"{LOG}{entry.pk}/change/").status_code == 200
        for path in ("add/", f"{entry.pk}/change/", f"{entry.pk}/delete/"):
            assert admin_client.post(LOG + path, {"post": "yes"}).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
        admin_client.post(LOG, chosen)
        assert Access.objects.count() == 4
        assert b"delete_selected" not in admin_client.get(LOG).content

    def test_outlives_its_users_and_their_names_do_nothing(self, admin_client):
        hostile = User.objects.create_user("<b>\u202eeve")
        access_log.note(hostile, Access.What.READ)
        hostile.delete()
        page = admin_client.get(LOG).content.decode()
        assert "&lt;b&gt;⟨U+202E⟩eve" in page
        assert "\u202e" not in page

    def test_takes_a_constant_number_of_queries(self, reader, django_assert_max_num_queries):
        ann = User.objects.get(username="ann")
        access_log.note_each(ann, Access.What.READ, [uuid.uuid4() for _ in range(80)])
        with django_assert_max_num_queries(12):
            reader.get(LOG)
