"""The VoiceBot page as it is served: who gets it, and what it hands to its scripts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from accounts.models import Person
from chat.voicebot_page import page_context

URL = reverse("voicebot")


@pytest.mark.django_db
class TestWhoGetsIt:
    def test_a_guest_becomes_a_person_so_that_the_socket_admits_them(self, client: Client) -> None:
        assert client.get(URL).status_code == 200
        assert Person.objects.get(pk=client.session["person"]).is_guest

    def test_where_guests_are_not_allowed_they_are_sent_to_log_in(
        self, client: Client, settings: Any
    ) -> None:
        settings.VOICECHAT_ALLOW_GUESTS = False
        response = client.get(URL)
        assert response.status_code == 302
        assert response.headers["Location"] == f"{reverse('account_login')}?next={URL}"

    def test_it_rejects_post(self, client: Client) -> None:
        assert client.post(URL).status_code == 405


@pytest.mark.parametrize(
    ("record", "notice"),
    [("always", "is recorded"), ("ask", "is not recorded"), ("never", "is not recorded")],
)
def test_it_says_whether_sound_is_kept_where_nobody_is_asked(
    settings: Any, record: str, notice: str
) -> None:
    settings.VOICECHAT_RECORD = record
    assert notice in page_context()["recording"]


def test_the_worklets_that_it_names_are_there() -> None:
    for url in page_context()["config"]["worklets"].values():
        assert finders.find(url.removeprefix("/static/")), url
