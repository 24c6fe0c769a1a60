"""Search in the admin: the page of hits and the list. Runs on PostgreSQL too (test_search.py)."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import Person, User
from conversations import admin_search
from conversations.models import Conversation, Turn

from .kept import keep_conversation, keep_turn
from .test_admin import HOSTILE, rows, staff

pytestmark = pytest.mark.django_db
LIST = "/admin/conversations/conversation/"
SEARCH = f"{LIST}search/"


@pytest.fixture
def conversation() -> Conversation:
    ann = Person.objects.create(user=User.objects.create_user("ann"))
    conversation = keep_conversation(ann, "About rivers")
    keep_turn(conversation, "Where are the otters?")
    keep_turn(conversation, "No idea.")
    return conversation


@pytest.fixture
def reader() -> Client:
    return staff("view_conversation", "read_transcript")


def text_of(response) -> str:
    return response.content.decode()


def test_a_hit_shows_who_said_what_where_and_links_to_the_turn(reader, conversation):
    page = text_of(reader.get(SEARCH, {"q": "OTTERS"}))
    turn = conversation.turns.get(seq=0)
    assert f'href="{LIST}{conversation.pk}/change/#turn-{turn.pk}"' in page
    assert "Where are the <mark>otters</mark>?" in page
    for shown in ("About rivers", "ann", "Person", f"{turn.created_at:%Y-%m-%d %H:%M}"):
        assert shown in page
    assert page.count('<li class="hit">') == 1


@pytest.mark.parametrize("missing", [0, 1, 399])
def test_the_link_lands_on_the_page_that_holds_the_turn(reader, conversation, missing):
    Turn.objects.bulk_create(
        Turn(
            conversation=conversation, seq=seq, rev=seq, role="user", status="done", text=f"n{seq}"
        )
        for seq in range(2, 410)
    )
    Turn.objects.filter(conversation=conversation, seq__lt=missing).delete()
    for sought in ("n399", "n400"):
        (link,) = re.findall(
            r'class="hit-title" href="([^"]+)"', text_of(reader.get(SEARCH, {"q": sought}))
        )
        address, _, anchor = link.replace("&amp;", "&").partition("#")
        assert f'id="{anchor}"' in text_of(reader.get(address))


def test_hits_come_in_pages(reader, conversation, monkeypatch):
    monkeypatch.setattr(admin_search, "HITS_PER_PAGE", 2)
    for number in range(3):
        keep_turn(conversation, f"beaver {number} & co")
    first = text_of(reader.get(SEARCH, {"q": "beaver & co"}))
    assert re.findall(r"beaver</mark> (\d)", first) == ["2", "1"]
    assert "Newest" not in first
    older = re.search(r'<a rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = text_of(reader.get(older))
    assert re.findall(r"beaver</mark> (\d)", second) == ["0"]
    assert 'rel="next"' not in second
    assert f'href="{SEARCH}?q=beaver+%26+co"' in second


def test_a_page_of_hits_takes_a_constant_number_of_queries(
    reader, conversation, django_assert_max_num_queries
):
    for number in range(40):
        other = keep_conversation(Person.objects.create())
        keep_turn(other, f"a beaver {number}")
        Turn.objects.create(
            conversation=other, seq=300, rev=300, role="user", status="done", text="late beaver"
        )
    with django_assert_max_num_queries(9):
        assert text_of(reader.get(SEARCH, {"q": "beaver"})).count('<li class="hit">') == 50


def test_what_was_said_is_shown_as_text(reader, conversation):
    keep_turn(conversation, f"beaver {HOSTILE}")
    page = text_of(reader.get(SEARCH, {"q": "beaver script"}))
    assert "<mark>beaver</mark> &lt;<mark>script</mark>&gt;alert(1)" in page
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "⟨U+202E⟩gnp.exe" in page


def test_what_is_sought_is_shown_as_text(reader, conversation):
    page = text_of(reader.get(SEARCH, {"q": f'"{HOSTILE}'}))
    assert "<script>alert" not in page
    assert "Nobody said this." in page


@pytest.mark.parametrize("q", ["", " ", "*", '"', "\x00", "x" * 5000, "-x", "NEAR(", "\udcff"])
@pytest.mark.parametrize("after", ["", "x", "-1", "9" * 18, "9" * 400, "\u0663", "1 OR 1"])
def test_any_address_is_answered(reader, conversation, q, after):
    asked = {"q": q.encode(errors="surrogateescape"), "after": after}
    assert reader.get(SEARCH, asked).status_code == 200


def test_the_page_has_no_inline_script_or_style(reader, conversation):
    page = text_of(reader.get(SEARCH, {"q": "otters"}))
    assert not re.search(r"<script(?![^>]*\ssrc=)[^>]*>", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize(
    "permissions", [(), ("view_conversation",), ("read_transcript",), ("hear_audio",)]
)
def test_only_who_may_see_the_list_and_read_searches(conversation, permissions):
    response = staff(*permissions).get(SEARCH, {"q": "otters"})
    assert response.status_code == 403
    assert "otters" not in text_of(response)


def test_who_is_not_staff_is_asked_to_log_in(client, conversation):
    for visitor in (client, Client()):
        response = visitor.get(SEARCH, {"q": "otters"})
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/admin/login/")
        client.force_login(User.objects.get(username="ann"))


def test_searching_changes_nothing(reader):
    assert reader.post(SEARCH, {"q": "otters"}).status_code == 405


def test_the_list_is_searched_by_what_was_said(reader, conversation):
    keep_turn(keep_conversation(Person.objects.create(), "Other"), "Beavers")
    for sought in ("otters", "no idea", "OTTERS where", "ann", str(conversation.pk)):
        assert rows(reader.get(LIST, {"q": sought})) == [conversation]
    assert rows(reader.get(LIST, {"q": "otters beavers"})) == []


def test_the_list_leads_to_the_hits(reader, conversation):
    assert f'href="{SEARCH}?q=the+otters"' in text_of(reader.get(LIST, {"q": "the otters"}))
    assert f'href="{SEARCH}?q="' in text_of(reader.get(LIST))


def test_search_in_the_list_goes_with_its_filters(reader, conversation, monkeypatch):
    monkeypatch.setattr(admin_search, "HITS_IN_LIST", 1)
    broken = keep_conversation(Person.objects.create(), "Broken", error_count=1)
    keep_turn(broken, "otters")
    keep_turn(keep_conversation(Person.objects.create(), "Calm"), "otters")
    assert rows(reader.get(LIST, {"q": "otters", "trouble": "errors"})) == [broken]


def test_the_list_tells_when_it_stops_at_the_newest_hits(reader, conversation, monkeypatch):
    assert "newest" not in text_of(reader.get(LIST, {"q": "otters"}))
    monkeypatch.setattr(admin_search, "HITS_IN_LIST", 1)
    newer = keep_conversation(Person.objects.create(), "Newer")
    keep_turn(newer, "otters")
    response = reader.get(LIST, {"q": "otters"})
    assert rows(response) == [newer]
    assert "Only conversations of the newest 1 hits are listed." in text_of(response)


def test_without_the_permission_to_read_the_list_knows_ids_and_names_only(conversation):
    viewer = staff("view_conversation")
    for sought in ("otters", "rivers"):
        assert rows(viewer.get(LIST, {"q": sought})) == []
    for sought in ("ann", str(conversation.pk)):
        assert rows(viewer.get(LIST, {"q": sought})) == [conversation]
    assert SEARCH not in text_of(viewer.get(LIST))
