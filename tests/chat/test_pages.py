"""The chat page: whose conversation it shows, and what it hands to its scripts."""

from __future__ import annotations

import gzip
import json
import re
import uuid
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import chat
from accounts.models import Person, User
from chat.page_strings import page_strings
from conversations.models import Conversation, Turn
from dialogue.bots import default_bot
from dialogue.models import Bot

pytestmark = pytest.mark.django_db
SCRIPTS = Path(chat.__file__).parent / "static/chat"


def page_config(html: str) -> dict[str, Any]:
    """What the page hands to its scripts."""
    found = re.search(r'<script id="config" type="application/json">(.*?)</script>', html)
    assert found is not None
    config: dict[str, Any] = json.loads(found[1])
    return config


def conversation_of(person: Person, title: str = "", *, spoken: bool = True) -> Conversation:
    conversation = Conversation.objects.create(person=person, bot=default_bot(), title=title)
    if spoken:
        Turn.objects.create(
            conversation=conversation, seq=1, rev=1, role="user", status="done", text="Hello"
        )
    return conversation


def guest_of(client: Client) -> Person:
    client.get(reverse("chat"))
    return Person.objects.get(pk=client.session["person"])


@pytest.fixture
def alice(client: Client) -> User:
    user = User.objects.create_user("alice")
    client.force_login(user)
    return user


def test_a_guest_gets_a_page_and_a_person(client: Client) -> None:
    response = client.get(reverse("chat"))
    assert response.status_code == 200
    config = page_config(response.content.decode())
    assert config["conversation"] is None
    assert config["person"] == {"name": "", "is_guest": True}
    assert Person.objects.get(pk=client.session["person"]).is_guest


def test_the_same_guest_stays_the_same_person(client: Client) -> None:
    assert guest_of(client) == guest_of(client)


def test_where_guests_are_not_allowed_they_are_sent_to_log_in(
    client: Client, settings: Any
) -> None:
    settings.VOICECHAT_ALLOW_GUESTS = False
    for url in (reverse("chat"), reverse("chat-conversation", args=[uuid.uuid4()])):
        response = client.get(url)
        assert response.status_code == 302
        assert response.headers["Location"] == f"{reverse('account_login')}?next={url}"
    assert not Person.objects.exists()


def test_a_user_is_named_to_the_page(client: Client, alice: User) -> None:
    config = page_config(client.get(reverse("chat")).content.decode())
    assert config["person"] == {"name": "alice", "is_guest": False}


def test_a_conversation_of_ones_own_is_opened(client: Client) -> None:
    conversation = conversation_of(guest_of(client), "Flats in Lisbon")
    response = client.get(reverse("chat-conversation", args=[conversation.pk]))
    html = response.content.decode()
    assert page_config(html)["conversation"] == str(conversation.pk)
    assert "<title>Flats in Lisbon " in html
    assert 'aria-current="page"' in html


def test_a_conversation_of_somebody_else_does_not_exist(client: Client, alice: User) -> None:
    others = conversation_of(Person.objects.create())
    response = client.get(reverse("chat-conversation", args=[others.pk]))
    assert response.status_code == 404


def test_not_even_for_staff(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    others = conversation_of(Person.objects.create())
    response = client.get(reverse("chat-conversation", args=[others.pk]))
    assert response.status_code == 404


def test_an_unknown_conversation_is_not_found(client: Client) -> None:
    assert client.get(reverse("chat-conversation", args=[uuid.uuid4()])).status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_only_answers_get(client: Client, method: str) -> None:
    assert getattr(client, method)(reverse("chat")).status_code == 405


def test_the_page_is_not_kept_in_caches(client: Client) -> None:
    assert "no-store" in client.get(reverse("chat")).headers["Cache-Control"]


def test_the_list_has_ones_own_newest_first_without_the_silent_ones(client: Client) -> None:
    person = guest_of(client)
    conversation_of(Person.objects.create(), "Somebody else's")
    conversation_of(person, "Nothing said", spoken=False)
    for title, days in (("Older", 2), ("Newest", 0), ("Newer", 1)):
        conversation = conversation_of(person, title)
        Conversation.objects.filter(pk=conversation.pk).update(
            last_at=timezone.now() - timedelta(days=days)
        )
    html = client.get(reverse("chat")).content.decode()
    listed = re.findall(r'class="earlier-title" dir="auto">(.*?)<', html)
    assert listed[:3] == ["Newest", "Newer", "Older"]
    assert "Somebody else" not in unescape(html)
    assert "Nothing said" not in html


def test_the_list_has_fifty_and_leads_to_all(client: Client) -> None:
    person = guest_of(client)
    for number in range(52):
        conversation_of(person, f"Number {number}")
    html = client.get(reverse("chat")).content.decode()
    assert html.count("<time datetime") == 50
    assert f'href="{reverse("conversations")}"' in html


def test_the_number_of_queries_does_not_grow_with_the_list(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    person = guest_of(client)
    for number in range(20):
        conversation_of(person, f"Number {number}")
    conversation = conversation_of(person)
    with django_assert_max_num_queries(7):
        client.get(reverse("chat-conversation", args=[conversation.pk]))


def test_text_of_persons_and_bots_cannot_leave_its_place(client: Client) -> None:
    Bot.objects.create(slug="evil", name="</script><b>", greeting="</script><b>", is_default=True)
    conversation_of(guest_of(client), "</script><b>")
    html = client.get(reverse("chat")).content.decode()
    assert "<b>" not in html
    assert page_config(html)["bot"]["name"] == "</script><b>"


def test_a_conversation_keeps_its_bot(client: Client) -> None:
    person = guest_of(client)
    bot = Bot.objects.create(slug="estate", name="Estate", language="pt")
    conversation = Conversation.objects.create(person=person, bot=bot)
    html = client.get(reverse("chat-conversation", args=[conversation.pk])).content.decode()
    assert page_config(html)["bot"] == {
        "slug": "estate",
        "name": "Estate",
        "language": "pt",
        "greeting": "",
    }


def test_the_voices_of_the_engines_are_offered(client: Client) -> None:
    voices = page_config(client.get(reverse("chat")).content.decode())["voices"]
    assert {"id", "name", "language", "engine"} == set(voices[0])
    assert "espeak:en-us" in {voice["id"] for voice in voices}


def test_the_page_has_no_script_or_style_of_its_own_inline(client: Client) -> None:
    html = client.get(reverse("chat")).content.decode()
    for tag in re.findall(r"<script[^>]*>", html):
        assert "src=" in tag or 'type="application/json"' in tag
    assert "<style" not in html
    assert " style=" not in html
    assert not re.search(r"\son\w+=", html)


def test_every_text_the_scripts_ask_for_is_handed_to_them_and_no_other() -> None:
    source = "\n".join(path.read_text() for path in SCRIPTS.glob("*.js"))
    texts = set(page_strings())
    assert set(re.findall(r'\bsay\(\s*"(\w+)"', source)) <= texts
    assert {text for text in texts if f'"{text}"' not in source} == set()


def test_the_scripts_are_small() -> None:
    sizes = [len(gzip.compress(path.read_bytes())) for path in SCRIPTS.glob("*.js")]
    assert sum(sizes) < 60_000
