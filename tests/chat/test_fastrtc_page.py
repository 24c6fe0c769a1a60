"""The page of FastRTC's mode: who gets it."""

from __future__ import annotations

import pytest
from django.test import Client


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
