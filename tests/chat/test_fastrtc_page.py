"""The page of FastRTC's mode: who gets it, and that it has all that its modules ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client

from chat.fastrtc_page import page_context

MODULES = Path(__file__).parents[2] / "chat" / "static"


@pytest.mark.django_db
def test_a_guest_gets_a_session_with_it(client: Client) -> None:
    response = client.get("/fastrtc/")
    assert response.status_code == 200
    assert "sessionid" in response.cookies


@pytest.mark.django_db
def test_where_guests_are_not_allowed_one_logs_in_first(client: Client, settings: object) -> None:
    settings.VOICECHAT_ALLOW_GUESTS = False  # type: ignore[attr-defined]
    response = client.get("/fastrtc/")
    assert response.status_code == 302
    assert response["Location"].endswith("?next=/fastrtc/")


def test_it_has_each_text_that_its_modules_say() -> None:
    texts = [path.read_text() for path in (MODULES / "fastrtc").glob("*.js")]
    texts += [(MODULES / "chat" / "ask-form.js").read_text()]
    texts += [path.read_text() for path in (MODULES / "playground").glob("*.js")]
    said = set(re.findall(r'say\("(\w+)"', "".join(texts)))
    assert said
    assert said <= set(page_context()["strings"])
