"""What reviewers see, and what they may not."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Person, User
from conversations import media
from conversations.models import AudioSegment, Call, Conversation, Turn
from dialogue.engine import Card
from dialogue.stored import stored_shape

from .kept import keep_call, keep_conversation, keep_sound, keep_turn

pytestmark = pytest.mark.django_db
LIST = "/admin/conversations/conversation/"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> \u202egnp.exe\x07\x1b[31m\u2066"


def staff(*permissions: str) -> Client:
    """A browser in which somebody with just these permissions has logged in."""
    user = User.objects.create_user(f"staff{User.objects.count()}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def conversation() -> Conversation:
    conversation = keep_conversation(
        Person.objects.create(user=User.objects.create_user("ann")), "About houses"
    )
    call = keep_call(conversation, client_label="old-client", close_code=1001)
    keep_turn(conversation, "Are there houses?", call=call)
    reply = keep_turn(
        conversation,
        "There are three houses.",
        call=call,
        status=Turn.Status.INTERRUPTED,
        heard_text="There are",
        heard_ms=700,
        kind=Turn.Kind.PROPERTY,
        data=stored_shape(
            "property",
            "There are three houses.",
            [Card(title="Mill Lane", price="900", url="https://x.example/1")],
        ),
        engines={"tts": "espeak"},
        rating=-1,
    )
    keep_sound(reply)
    return conversation


def page_of(conversation: Conversation) -> str:
    return f"{LIST}{conversation.pk}/change/"


def rows(response):
    return list(response.context["cl"].result_list)


def test_the_list_is_searched_by_what_was_said_name_and_id(admin_client, conversation):
    other = keep_conversation(Person.objects.create(), "Weather")
    keep_turn(other, "Weather")
    for sought in ("houses", "ann", str(conversation.pk)):
        assert rows(admin_client.get(LIST, {"q": sought})) == [conversation]
    assert rows(admin_client.get(LIST, {"q": "Weather"})) == [other]


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"who": "guest"}, {"calm", "broken"}),
        ({"who": "user"}, {"cut"}),
        ({"trouble": "errors"}, {"broken"}),
        ({"trouble": "interruptions"}, {"cut"}),
        ({"trouble": "none"}, {"calm"}),
        ({}, {"calm", "cut", "broken"}),
    ],
)
def test_the_list_is_narrowed_to_what_deserves_a_look(admin_client, chosen, found):
    keep_conversation(Person.objects.create(), "calm")
    keep_conversation(Person.objects.create(), "broken", error_count=2)
    bob = Person.objects.create(user=User.objects.create_user("bob"))
    keep_conversation(bob, "cut", interruption_count=1)
    assert {row.title for row in rows(admin_client.get(LIST, chosen))} == found


def test_a_transcript_reads_as_a_conversation(admin_client, conversation):
    page = admin_client.get(page_of(conversation)).content.decode()
    segment = AudioSegment.objects.get()
    assert "Are there houses?" in page
    assert re.search(r'There are<span.*?</span><s title="Not heard"> three houses\.</s>', page)
    assert (
        f'<audio controls preload="none" src="/conversations/{conversation.pk}/audio/{segment.pk}"'
        in page
    )
    for shown in (
        "Mill Lane",
        "https://x.example/1",
        "interrupted",
        "tts: espeak",
        "rated bad",
        "old-client",
        "closed 1001",
        "heard 0:01",
    ):
        assert shown in page


def test_both_voices_are_heard_and_each_stretch_of_them(admin_client, conversation):
    asked, reply = conversation.turns.order_by("seq")
    question = keep_sound(asked)
    rest = keep_sound(reply, start_ms=65_000)
    page = admin_client.get(page_of(conversation)).content.decode()
    players = re.findall(r'<audio [^>]*src="([^"]+)" aria-label="([^"]+)" data-segment', page)
    at = {turn: f"{turn.created_at:%H:%M:%S}" for turn in (asked, reply)}
    assert [label for _, label in players] == [
        f"person at {at[asked]}",
        f"bot at {at[reply]}, part 1 of 2",
        f"bot at {at[reply]}, part 2 of 2",
    ]
    for segment, (address, _) in zip((question, rest), (players[0], players[2]), strict=True):
        assert address == f"/conversations/{conversation.pk}/audio/{segment.pk}"
    assert "part 2 of 2, from 1:05" in page


def test_a_call_that_was_not_recorded_says_so(admin_client, conversation):
    assert b"not recorded" not in admin_client.get(page_of(conversation)).content
    Call.objects.update(recorded=False)
    assert b"not recorded" in admin_client.get(page_of(conversation)).content


def test_a_transcript_has_no_inline_script_or_style(admin_client, conversation):
    page = admin_client.get(page_of(conversation)).content.decode()
    assert not re.search(r"<script(?![^>]*\ssrc=)[^>]*>", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


def test_a_transcript_takes_a_constant_number_of_queries(
    admin_client, conversation, django_assert_max_num_queries
):
    for number in range(150):
        keep_sound(keep_turn(conversation, f"Turn {number}"))
    with django_assert_max_num_queries(13):
        admin_client.get(page_of(conversation))


def test_a_long_transcript_comes_in_pages(admin_client, conversation):
    Turn.objects.bulk_create(
        Turn(
            conversation=conversation, seq=seq, rev=seq, role="user", status="done", text=f"n{seq}."
        )
        for seq in range(2, 450)
    )
    first = admin_client.get(page_of(conversation)).content.decode()
    assert "n199." in first
    assert "n200." not in first
    assert "1\u2013200 of 450" in first
    assert "n449." in admin_client.get(page_of(conversation), {"turns": 3}).content.decode()


def test_hostile_text_is_shown_and_does_nothing(admin_client, conversation):
    keep_turn(
        conversation,
        HOSTILE,
        error="<b>x</b>",
        kind="property",
        data=stored_shape(
            "property",
            HOSTILE,
            [{"title": f"card {HOSTILE}", "url": "javascript:alert(1)", "price": 5}, "x"],
        ),
        engines={HOSTILE: HOSTILE},
    )
    Conversation.objects.update(title=HOSTILE[:120])
    Call.objects.update(client_label=HOSTILE[:100])
    for path in (
        LIST,
        page_of(conversation),
        f"{LIST}{conversation.pk}/delete/",
        "/admin/conversations/call/",
    ):
        page = admin_client.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert not set("\u202e\u2066\x07\x1b") & set(page)
        assert 'href="javascript' not in page
    assert "card &lt;" in admin_client.get(page_of(conversation)).content.decode()
    assert "⟨U+202E⟩gnp.exe⟨U+0007⟩" in admin_client.get(page_of(conversation)).content.decode()


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        5,
        {"genericData": "x"},
        {"propertyData": None},
        {"propertyData": [{"title": "x"}]},
        {"propertyData": {"cards": None, "text": "x"}},
        {"propertyData": {"cards": [None, {"title": None, "text": 5}]}},
    ],
)
def test_stored_data_of_any_shape_is_readable(admin_client, conversation, data):
    keep_turn(conversation, data=data)
    assert admin_client.get(page_of(conversation)).status_code == 200


def test_the_list_needs_a_permission(conversation):
    for client in (Client(), staff()):
        assert client.get(LIST).status_code in (302, 403)
        assert client.get(page_of(conversation)).status_code in (302, 403)


def test_who_may_not_read_sees_the_list_without_titles(conversation):
    client = staff("view_conversation")
    page = client.get(LIST).content.decode()
    assert "About houses" not in page
    assert str(conversation.pk)[:8] in page
    assert page_of(conversation) not in page
    assert client.get(page_of(conversation)).status_code == 403
    assert rows(client.get(LIST, {"q": "houses"})) == []


def test_who_may_read_but_not_hear_sees_no_players(conversation):
    page = staff("view_conversation", "read_transcript").get(page_of(conversation)).content
    assert b"Are there houses?" in page
    assert b"<audio" not in page
    assert b"not hear it" in page


def test_who_may_hear_sees_players(conversation):
    client = staff("view_conversation", "read_transcript", "hear_audio")
    assert b"<audio" in client.get(page_of(conversation)).content


def test_nobody_adds_or_changes_anything(admin_client, conversation):
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(page_of(conversation), {"title": "Changed"}).status_code == 403
    assert admin_client.get("/admin/conversations/turn/").status_code == 404
    assert admin_client.get("/admin/conversations/audiosegment/").status_code == 404
    conversation.refresh_from_db()
    assert conversation.title == "About houses"


def test_who_may_not_delete_cannot(conversation):
    client = staff("view_conversation", "read_transcript", "delete_turn")
    assert client.post(f"{LIST}{conversation.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(
        LIST, {"action": "delete_selected", "_selected_action": [conversation.pk], "post": "yes"}
    )
    conversation.refresh_from_db()


@pytest.mark.parametrize("way", ["page", "action"])
def test_deleting_removes_rows_and_files(conversation, way, django_capture_on_commit_callbacks):
    key = AudioSegment.objects.get().key
    client = staff("view_conversation", "delete_conversation")
    with django_capture_on_commit_callbacks(execute=True):
        if way == "page":
            asked = client.get(f"{LIST}{conversation.pk}/delete/").content
            assert b"Turns: 2" in asked
            assert b"About houses" not in asked
            client.post(f"{LIST}{conversation.pk}/delete/", {"post": "yes"})
        else:
            client.post(
                LIST,
                {"action": "delete_selected", "_selected_action": [conversation.pk], "post": "yes"},
            )
    assert not Conversation.objects.exists()
    assert not Turn.objects.exists()
    assert not media.storage().exists(key)


def test_deleting_many_takes_few_queries_to_ask(
    admin_client, conversation, django_assert_max_num_queries
):
    for _ in range(100):
        keep_turn(conversation)
    with django_assert_max_num_queries(15):
        page = admin_client.post(
            LIST, {"action": "delete_selected", "_selected_action": [conversation.pk]}
        )
    assert b"102" in page.content


@pytest.mark.parametrize("what", ["person", "user"])
def test_erasing_somebody_erases_what_they_said_and_its_sound(
    admin_client, conversation, what, django_capture_on_commit_callbacks
):
    key = AudioSegment.objects.get().key
    row = conversation.person if what == "person" else conversation.person.user
    path = f"/admin/accounts/{what}/{row.pk}/delete/"
    assert b"Are you sure" in admin_client.get(path).content
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(path, {"post": "yes"})
    assert not Conversation.objects.exists()
    assert not media.storage().exists(key)


def test_calls_are_listed_and_cannot_be_touched(admin_client, conversation):
    call = Call.objects.get()
    page = admin_client.get("/admin/conversations/call/").content.decode()
    assert page_of(conversation) in page
    assert admin_client.get(f"/admin/conversations/call/{call.pk}/change/").status_code == 200
    for action in ("delete", "change"):
        path = f"/admin/conversations/call/{call.pk}/{action}/"
        assert admin_client.post(path, {"post": "yes"}).status_code == 403
    assert admin_client.get("/admin/conversations/call/add/").status_code == 403
    assert staff("view_conversation").get("/admin/conversations/call/").status_code == 403
